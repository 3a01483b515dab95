// A small level rig as an OPC UA server on the npm package node-opcua-server: a device that is not ours.
//
// usage: node node_opcua_device.js PORT FOLDER    listens on 127.0.0.1, keeps its certificates in FOLDER
//
// LEVEL follows VALVE with a time constant of 2 s while RUN is true; NEGATED is −COUNT; the rest stands still.
"use strict";
const path = require("path");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { OPCUAServer } = require("node-opcua-server");
const { MessageSecurityMode, SecurityPolicy } = require("node-opcua-secure-channel");
const { DataType, Variant } = require("node-opcua-variant");
const { StatusCodes } = require("node-opcua-status-code");
const { DataValue } = require("node-opcua-data-value");

const [port, folder] = [Number(process.argv[2]), process.argv[3]];
const URI = "urn:interop:rig";
const state = { LEVEL: 0.0, VALVE: 0.0, COUNT: 0, RUN: true, NAME: "rig", BIG: -(2 ** 40) };

async function main() {
    const serverCertificateManager = new OPCUACertificateManager({
        automaticallyAcceptUnknownCertificate: true,
        rootFolder: path.join(folder, "pki"),
    });
    await serverCertificateManager.initialize();
    const server = new OPCUAServer({
        port,
        hostname: "127.0.0.1",
        serverCertificateManager,
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        securityPolicies: [
            SecurityPolicy.None,
            SecurityPolicy.Basic256Sha256,
            SecurityPolicy.Aes128_Sha256_RsaOaep,
            SecurityPolicy.Aes256_Sha256_RsaPss,
        ],
        allowAnonymous: true,
        userManager: { isValidUser: (user, password) => user === "operator" && password === "right" },
    });
    await server.initialize();
    const space = server.engine.addressSpace;
    space.registerNamespace("urn:interop:in-between"); // so that the index is not the one that anybody would guess
    const namespace = space.registerNamespace(URI);
    const rig = namespace.addObject({ organizedBy: space.rootFolder.objects, browseName: "Rig" });

    function add(name, dataType, writable, options = {}) {
        return namespace.addVariable({
            componentOf: rig,
            nodeId: `s=${name}`,
            browseName: name,
            dataType,
            minimumSamplingInterval: 20,
            accessLevel: writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
            value: {
                get: () => new Variant({ dataType, value: state[name] }),
                set: writable
                    ? (variant) => {
                          if (name === "VALVE" && variant.value > 100) return StatusCodes.BadOutOfRange;
                          state[name] = variant.value;
                          return StatusCodes.Good;
                      }
                    : undefined,
            },
            ...options,
        });
    }
    add("LEVEL", DataType.Double, false);
    add("VALVE", DataType.Float, true);
    add("COUNT", DataType.Int16, true);
    add("RUN", DataType.Boolean, true);
    add("NAME", DataType.String, false);
    add("NEGATED", DataType.Int32, false, {
        value: { get: () => new Variant({ dataType: DataType.Int32, value: -state.COUNT }) },
    });
    for (const [name, statusCode] of [
        ["OLD", StatusCodes.UncertainLastUsableValue],
        ["BROKEN", StatusCodes.BadSensorFailure],
        ["OUT", StatusCodes.BadOutOfService],
    ]) {
        const value = new Variant({ dataType: DataType.Double, value: 7.5 });
        const variable = add(name, DataType.Double, false, { value: undefined });
        variable.setValueFromSource(value, statusCode);
    }
    setInterval(() => {
        state.LEVEL += ((state.RUN ? state.VALVE : 0.0) - state.LEVEL) * (0.02 / 2.0);
    }, 20);
    await server.start();
    console.log("ready");
}

main().catch((error) => {
    console.error(error);
    process.exit(3);
});
