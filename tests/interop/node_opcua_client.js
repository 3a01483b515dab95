// A client on the npm package node-opcua-client, for our simulated devices: tells as JSON what it found.
//
// usage: node node_opcua_client.js URL FOLDER MODE     MODE: None | Sign | SignAndEncrypt
"use strict";
const path = require("path");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { OPCUAClient, MessageSecurityMode, SecurityPolicy } = require("node-opcua-client");
const { AttributeIds, TimestampsToReturn, ClientSubscription, ClientMonitoredItem } = require("node-opcua-client");
const { DataType } = require("node-opcua-variant");

const [url, folder, mode] = process.argv.slice(2);

async function main() {
    const clientCertificateManager = new OPCUACertificateManager({
        automaticallyAcceptUnknownCertificate: true,
        rootFolder: path.join(folder, "client-pki"),
    });
    await clientCertificateManager.initialize();
    const client = OPCUAClient.create({
        endpointMustExist: false,
        clientCertificateManager,
        connectionStrategy: { maxRetry: 0 },
        securityMode: MessageSecurityMode[mode],
        securityPolicy: mode === "None" ? SecurityPolicy.None : SecurityPolicy.Basic256Sha256,
    });
    await client.connect(url);
    const session = await client.createSession();
    const found = { types: {}, changes: [] };

    const namespaces = (await session.read({ nodeId: "i=2255", attributeId: AttributeIds.Value })).value.value;
    const index = namespaces.indexOf("urn:maker:rig");
    const read = (name) => session.read({ nodeId: `ns=${index};s=${name}`, attributeId: AttributeIds.Value });
    const browse = async (nodeId) => (await session.browse(nodeId)).references.map((one) => one.browseName.name);

    found.root = await browse(`ns=${index};s=RIG`);
    found.signals = await browse(`ns=${index};s=RIG.SignalSet`);
    found.level = await browse(`ns=${index};s=LT`);
    for (const name of ["LT", "IT", "NAME", "LV", "N", "P"]) {
        const value = await read(name);
        found[name] = value.value.value;
        found.types[name] = DataType[value.value.dataType];
        found.source = value.sourceTimestamp !== null;
    }
    const unit = (await read("RIG.SignalSet.LT-1.AnalogSignal.EngineeringUnits")).value.value;
    const range = (await read("RIG.SignalSet.LT-1.AnalogSignal.EURange")).value.value;
    found.unit = [unit.unitId, unit.displayName.text];
    found.range = [range.low, range.high];
    found.health = (await read("RIG.DeviceHealth")).value.value;

    const subscription = ClientSubscription.create(session, {
        requestedPublishingInterval: 50,
        publishingEnabled: true,
    });
    const item = ClientMonitoredItem.create(
        subscription,
        { nodeId: `ns=${index};s=LV`, attributeId: AttributeIds.Value },
        { samplingInterval: 50, queueSize: 10 },
        TimestampsToReturn.Both,
    );
    const arrived = new Promise((resolve) => {
        item.on("changed", (value) => {
            found.changes.push(value.value.value);
            if (value.value.value === 42.5) resolve();
        });
    });
    const write = (name, dataType, value) =>
        session.write({
            nodeId: `ns=${index};s=${name}`,
            attributeId: AttributeIds.Value,
            value: { value: { dataType, value } },
        });
    found.written = (await write("LV", DataType.Float, 42.5)).name;
    found.refused = (await write("LT", DataType.Double, 1.0)).name;
    found.mistyped = (await write("N", DataType.Double, 1.0)).name;
    await arrived;
    await subscription.terminate();
    await session.close();
    await client.disconnect();
    console.log(`FOUND ${JSON.stringify(found)}`);
}

main().then(
    () => process.exit(0),
    (error) => {
        console.error(error);
        process.exit(3);
    },
);
