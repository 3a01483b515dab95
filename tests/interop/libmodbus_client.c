/* A client on Debian's libmodbus that asks our simulated device everything it can, and compares.
 *
 * usage: libmodbus_client PORT         Modbus TCP on 127.0.0.1
 *        libmodbus_client /dev/pts/N   RTU, 19200 8E1
 *
 * Prints one line a mistake; exit code 0 when there was none. The device is that of test_foreign_modbus_clients.py:
 * holding register i holds i, input register i holds 1000 + i, coil i and discrete input i are on where i % 3 == 0.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int mistakes = 0;

static void check(int right, const char *what)
{
    if (!right) {
        mistakes++;
        printf("wrong: %s (%s)\n", what, modbus_strerror(errno));
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int rtu = argv[1][0] == '/';
    modbus_t *ctx = rtu ? modbus_new_rtu(argv[1], 19200, 'E', 8, 1) : modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    if (!ctx || modbus_set_slave(ctx, 1) < 0 || modbus_connect(ctx) < 0) {
        printf("no connection: %s\n", modbus_strerror(errno));
        return 3;
    }
    modbus_set_response_timeout(ctx, 1, 0);
    uint16_t words[125];
    uint8_t bits[100];
    int i, right;

    check(modbus_read_registers(ctx, 0, 100, words) == 100, "read holding registers");
    for (right = 1, i = 0; i < 100; i++)
        right &= words[i] == i;
    check(right, "values of holding registers");
    check(modbus_read_input_registers(ctx, 0, 100, words) == 100, "read input registers");
    for (right = 1, i = 0; i < 100; i++)
        right &= words[i] == 1000 + i;
    check(right, "values of input registers");
    check(modbus_read_bits(ctx, 1, 99, bits) == 99, "read coils");
    for (right = 1, i = 0; i < 99; i++)
        right &= bits[i] == ((i + 1) % 3 == 0);
    check(right, "values of coils");
    check(modbus_read_input_bits(ctx, 0, 100, bits) == 100, "read discrete inputs");
    for (right = 1, i = 0; i < 100; i++)
        right &= bits[i] == (i % 3 == 0);
    check(right, "values of discrete inputs");

    check(modbus_write_register(ctx, 10, 0xBEEF) == 1, "write one register");
    check(modbus_read_registers(ctx, 10, 1, words) == 1 && words[0] == 0xBEEF, "read it back");
    check(modbus_write_bit(ctx, 10, 1) == 1, "write one coil");
    check(modbus_read_bits(ctx, 10, 1, bits) == 1 && bits[0] == 1, "read it back");
    uint16_t three[3] = {1, 0x8000, 0xFFFF};
    check(modbus_write_registers(ctx, 20, 3, three) == 3, "write registers");
    check(modbus_read_registers(ctx, 20, 3, words) == 3 && !memcmp(words, three, 6), "read them back");
    uint8_t eleven[11] = {1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1};
    check(modbus_write_bits(ctx, 30, 11, eleven) == 11, "write coils");
    check(modbus_read_bits(ctx, 30, 11, bits) == 11 && !memcmp(bits, eleven, 11), "read them back");
    check(modbus_write_register(ctx, 40, 0x12) == 1, "write the register of the mask");
    check(modbus_mask_write_register(ctx, 40, 0xF2, 0x25) == 1, "write masked");
    check(modbus_read_registers(ctx, 40, 1, words) == 1 && words[0] == 0x17, "read the masked one back");
    check(modbus_write_and_read_registers(ctx, 50, 3, three, 49, 5, words) == 5, "write and read");
    check(words[0] == 49 && words[1] == 1 && words[2] == 0x8000 && words[3] == 0xFFFF && words[4] == 53, "its values");

    errno = 0;
    check(modbus_read_registers(ctx, 99, 2, words) == -1 && errno == EMBXILADD, "exception 2 past the end");
    errno = 0;
    check(modbus_write_register(ctx, 500, 1) == -1 && errno == EMBXILADD, "exception 2 for a write");
    uint8_t raw[] = {1, 0x41, 0, 0};
    uint8_t answer[MODBUS_TCP_MAX_ADU_LENGTH];
    i = modbus_get_header_length(ctx);
    check(modbus_send_raw_request(ctx, raw, 4) > 0 && modbus_receive_confirmation(ctx, answer) > i + 1 &&
              answer[i] == 0xC1 && answer[i + 1] == 1,
          "exception 1 for a function that it does not have");
    if (!rtu) {
        modbus_set_slave(ctx, 9);
        errno = 0;
        check(modbus_read_registers(ctx, 0, 1, words) == -1 && errno == EMBXGTAR,
              "exception 11 for a unit that is not there");
    } else {
        modbus_set_slave(ctx, 0); /* broadcast: written by all, answered by nobody */
        modbus_set_response_timeout(ctx, 0, 100000);
        modbus_write_register(ctx, 60, 6060);
        modbus_flush(ctx);
        modbus_set_response_timeout(ctx, 1, 0);
        modbus_set_slave(ctx, 1);
        check(modbus_read_registers(ctx, 60, 1, words) == 1 && words[0] == 6060, "a broadcast was written");
    }
    modbus_close(ctx);
    modbus_free(ctx);
    return mistakes != 0;
}
