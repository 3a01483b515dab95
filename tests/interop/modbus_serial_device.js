// The same level rig as libmodbus_device.c, on the npm package modbus-serial: a second device that is not ours.
//
// usage: node modbus_serial_device.js PORT     listens on 127.0.0.1, prints "ready" when it answers
"use strict";
const { ServerTCP } = require("modbus-serial");

const inputs = Buffer.alloc(2 * 11);
const holding = Buffer.alloc(2 * 5);
let pumpOn = true;
let level = 0.0;

const lowFirst = {
    read: (buffer, at) => Buffer.concat([buffer.subarray(at + 2, at + 4), buffer.subarray(at, at + 2)]).readFloatBE(0),
    write: (value, buffer, at) => {
        const words = Buffer.alloc(4);
        words.writeFloatBE(value, 0);
        words.copy(buffer, at, 2, 4);
        words.copy(buffer, at + 2, 0, 2);
    },
};

inputs.writeInt16BE(-1234, 0);
inputs.writeUInt16BE(54321, 2);
lowFirst.write(-273.15, inputs, 8);

setInterval(() => {
    const valve = holding.readFloatBE(0);
    level += ((pumpOn ? valve : 0.0) - level) * (0.02 / 2.0);
    inputs.writeFloatBE(level, 4);
    inputs.writeInt16BE(-holding.readInt16BE(8), 12);
    lowFirst.write(2 * valve, inputs, 14);
    inputs.writeFloatBE(lowFirst.read(holding, 4) + 1, 18);
}, 20);

function word(buffer, address) {
    if (2 * address + 2 > buffer.length) throw { modbusErrorCode: 0x02 };
    return buffer.readUInt16BE(2 * address);
}

const server = new ServerTCP(
    {
        getInputRegister: (address) => word(inputs, address),
        getHoldingRegister: (address) => word(holding, address),
        setRegister: (address, value) => {
            word(holding, address);
            holding.writeUInt16BE(value, 2 * address);
        },
        getCoil: () => pumpOn,
        setCoil: (address, value) => { pumpOn = Boolean(value); },
        getDiscreteInput: (address) => (address === 0 ? pumpOn : !pumpOn),
    },
    { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 1 },
);
server.on("initialized", () => console.log("ready"));
server.on("error", (error) => { console.error(String(error)); process.exit(3); });
