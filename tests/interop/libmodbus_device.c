/* A small level rig behind Modbus TCP, written against Debian's libmodbus: the device that is not ours.
 *
 * usage: libmodbus_device PORT          listens on 127.0.0.1, prints "ready" when it answers
 *
 * A tank that fills towards the valve's opening (first order, 2 s), and mirrors that prove what arrived:
 *
 *   input registers      0      int16    -1234, fixed
 *                        1      uint16   54321, fixed
 *                        2-3    float32  level, % (high word first)
 *                        4-5    float32  -273.15, fixed (low word first)
 *                        6      int16    the setpoint of holding 4, negated
 *                        7-8    float32  valve as this device decoded it, x 2 (low word first)
 *                        9-10   float32  trim as this device decoded it, + 1 (high word first)
 *   holding registers    0-1    float32  valve, % (high word first)
 *                        2-3    float32  trim (low word first)
 *                        4      int16    setpoint
 *   coils                0      pump on  (off: the tank empties)
 *   discrete inputs      0      pump runs      1  pump stands
 *
 * Reading beyond the registers above is answered with exception 2, as a real device would.
 */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#define TIME_CONSTANT_S 2.0
#define TICK_US 20000

static double now_s(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)now.tv_sec + 1e-6 * (double)now.tv_usec;
}

/* modbus_get_float and modbus_set_float put the low word first in every version of libmodbus. The functions named
 * after byte orders are not as steady: modbus_set_float_abcd of 3.1.6 also swaps the bytes of each word. */
static float get_high_first(const uint16_t *words)
{
    uint16_t swapped[2] = {words[1], words[0]};
    return modbus_get_float(swapped);
}

static void set_high_first(float value, uint16_t *words)
{
    uint16_t swapped[2];
    modbus_set_float(value, swapped);
    words[0] = swapped[1];
    words[1] = swapped[0];
}

static void step(modbus_mapping_t *map, double *level_pct, double dt_s)
{
    float valve_pct = get_high_first(map->tab_registers);
    float trim = modbus_get_float(map->tab_registers + 2);
    double target_pct = map->tab_bits[0] ? valve_pct : 0.0;

    if (dt_s > 0.5 * TIME_CONSTANT_S)
        dt_s = 0.5 * TIME_CONSTANT_S;
    *level_pct += (target_pct - *level_pct) * dt_s / TIME_CONSTANT_S;

    set_high_first((float)*level_pct, map->tab_input_registers + 2);
    map->tab_input_registers[6] = (uint16_t)(-(int16_t)map->tab_registers[4]);
    modbus_set_float(2.0f * valve_pct, map->tab_input_registers + 7);
    set_high_first(trim + 1.0f, map->tab_input_registers + 9);
    map->tab_input_bits[0] = map->tab_bits[0];
    map->tab_input_bits[1] = !map->tab_bits[0];
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return 2;
    }
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *map = modbus_mapping_new(1, 2, 5, 11);
    int listener = ctx && map ? modbus_tcp_listen(ctx, 8) : -1;
    if (listener < 0) {
        fprintf(stderr, "127.0.0.1:%s: %s\n", argv[1], modbus_strerror(errno));
        return 3;
    }
    map->tab_input_registers[0] = (uint16_t)(int16_t)-1234;
    map->tab_input_registers[1] = 54321;
    modbus_set_float(-273.15f, map->tab_input_registers + 4);
    map->tab_bits[0] = 1;

    fd_set open_set;
    FD_ZERO(&open_set);
    FD_SET(listener, &open_set);
    int highest = listener;
    double level_pct = 0.0, before_s = now_s();
    puts("ready");
    fflush(stdout);

    for (;;) {
        fd_set ready = open_set;
        struct timeval tick = {0, TICK_US};
        if (select(highest + 1, &ready, NULL, NULL, &tick) < 0)
            return 1;
        for (int fd = 0; fd <= highest; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == listener) {
                int peer = modbus_tcp_accept(ctx, &listener);
                if (peer >= 0) {
                    FD_SET(peer, &open_set);
                    highest = peer > highest ? peer : highest;
                }
                continue;
            }
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(ctx, fd);
            int length = modbus_receive(ctx, query);
            if (length > 0) {
                modbus_reply(ctx, query, length, map);
            } else if (length < 0) {
                close(fd);
                FD_CLR(fd, &open_set);
            }
        }
        double at_s = now_s();
        step(map, &level_pct, at_s - before_s);
        before_s = at_s;
    }
}
