// A client on the npm package modbus-serial that asks our simulated device everything it can, and compares.
//
// usage: node modbus_serial_client.js tcp|rtu PORT     "rtu" is RTU over TCP; the device is that of libmodbus_client.c
"use strict";
const ModbusRTU = require("modbus-serial");
const assert = require("assert");

const range = (count, value) => Array.from({ length: count }, (_, i) => value(i));

async function main() {
    const [kind, port] = process.argv.slice(2);
    const client = new ModbusRTU();
    client.setTimeout(1000);
    const connect = kind === "tcp" ? client.connectTCP : client.connectTelnet;
    await connect.call(client, "127.0.0.1", { port: Number(port) });
    client.setID(1);

    assert.deepStrictEqual((await client.readHoldingRegisters(0, 100)).data, range(100, (i) => i));
    assert.deepStrictEqual((await client.readInputRegisters(0, 100)).data, range(100, (i) => 1000 + i));
    assert.deepStrictEqual((await client.readCoils(1, 40)).data.slice(0, 40), range(40, (i) => (i + 1) % 3 === 0));
    assert.deepStrictEqual((await client.readDiscreteInputs(0, 40)).data.slice(0, 40), range(40, (i) => i % 3 === 0));

    await client.writeRegister(10, 0xbeef);
    assert.deepStrictEqual((await client.readHoldingRegisters(10, 1)).data, [0xbeef]);
    await client.writeCoil(10, true);
    assert.strictEqual((await client.readCoils(10, 1)).data[0], true);
    await client.writeRegisters(20, [1, 0x8000, 0xffff]);
    assert.deepStrictEqual((await client.readHoldingRegisters(20, 3)).data, [1, 0x8000, 0xffff]);
    await client.writeCoils(30, [true, false, true, true, false, false, true, true, true, false, true]);
    const coils = (await client.readCoils(30, 11)).data.slice(0, 11).map(Number);
    assert.deepStrictEqual(coils, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1]);
    if (kind === "tcp") { // over RTU modbus-serial 8.0.25 does not find the end of this answer
        const identity = await client.readDeviceIdentification(1, 0);
        assert.deepStrictEqual(Object.values(identity.data), ["DCS emulator", "DEV-1", "1"]);
    }

    await assert.rejects(client.readHoldingRegisters(99, 2), (error) => error.modbusCode === 2);
    await assert.rejects(client.writeRegister(500, 1), (error) => error.modbusCode === 2);
    client.setID(9);
    await assert.rejects(client.readHoldingRegisters(0, 1), (error) => error.modbusCode === 11);
    client.close(() => process.exit(0));
}

main().catch((error) => { console.error(error); process.exit(1); });
