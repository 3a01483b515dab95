/* A server on Debian's libmodbus for the comparison of clients: 125 holding registers, any number of connections.
 *
 * usage: modbus_server     listens on a free port of 127.0.0.1 and prints it; ends with its standard input
 */
#include <arpa/inet.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64

int main(void)
{
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(1, 1, 125, 125);
    int listener = ctx && map ? modbus_tcp_listen(ctx, CONNECTIONS_MAX) : -1;
    if (listener < 0)
        return 3;
    struct pollfd files[CONNECTIONS_MAX + 2] = {{.fd = listener, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    int count = 2;
    struct sockaddr_in here;
    socklen_t size = sizeof here;
    getsockname(listener, (struct sockaddr *)&here, &size);
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    for (;;) {
        if (poll(files, count, -1) < 0 || files[1].revents)
            return 0;
        for (int i = 2; i < count; i++) {
            if (!files[i].revents)
                continue;
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(ctx, files[i].fd);
            int length = modbus_receive(ctx, query);
            if (length > 0) {
                modbus_reply(ctx, query, length, map);
            } else if (length < 0) {
                close(files[i].fd);
                files[i--] = files[--count];
            }
        }
        if (files[0].revents && count < CONNECTIONS_MAX + 2) {
            int peer = modbus_tcp_accept(ctx, &files[0].fd);
            if (peer >= 0)
                files[count++] = (struct pollfd){.fd = peer, .events = POLLIN};
        }
    }
}
