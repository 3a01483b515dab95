/* A client on Debian's libmodbus that reads 100 holding registers as fast as it can: what ours is compared with.
 *
 * usage: modbus_client PORT CONNECTIONS SECONDS     one thread a connection; prints requests, CPU s and elapsed s
 */
#include <modbus.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define REGISTERS 100
#define CONNECTIONS_MAX 64

static int port;
static double until_s;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *ask(void *counted)
{
    uint16_t words[REGISTERS];
    long requests = 0;
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", port);
    if (!ctx || modbus_connect(ctx) < 0)
        exit(3);
    modbus_set_slave(ctx, 1);
    while (now_s() < until_s) {
        if (modbus_read_registers(ctx, 0, REGISTERS, words) != REGISTERS)
            exit(4);
        requests++;
    }
    modbus_close(ctx);
    modbus_free(ctx);
    *(long *)counted = requests;
    return NULL;
}

static double cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    port = atoi(argv[1]);
    int connections = atoi(argv[2]);
    if (connections < 1 || connections > CONNECTIONS_MAX)
        return 2;
    double started_s = now_s(), cpu_before_s = cpu_s();
    until_s = started_s + atof(argv[3]);
    pthread_t threads[CONNECTIONS_MAX];
    long counted[CONNECTIONS_MAX] = {0}, requests = 0;
    for (int i = 0; i < connections; i++)
        pthread_create(&threads[i], NULL, ask, &counted[i]);
    for (int i = 0; i < connections; i++) {
        pthread_join(threads[i], NULL);
        requests += counted[i];
    }
    printf("{\"requests\": %ld, \"cpu_s\": %.6f, \"elapsed_s\": %.6f}\n", requests, cpu_s() - cpu_before_s,
           now_s() - started_s);
    return 0;
}
