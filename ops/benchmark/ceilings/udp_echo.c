// udp_echo: the bare server that a shard's UDP requests are compared with: libuv, recvmmsg and sendmmsg in batches of
// 64.
// usage: udp_echo PORT [answer bytes, default: as long as the request]   (127.0.0.1; prints a JSON line, serves until
// SIGTERM)
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { BATCH = 64, LARGEST = 8972 };

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static char buffers[BATCH][LARGEST];
static int answer_bytes = -1;

static void prepare(int index)
{
    vectors[index] = (struct iovec){buffers[index], LARGEST};
    messages[index].msg_hdr = (struct msghdr){
        .msg_name = &peers[index], .msg_namelen = sizeof peers[index], .msg_iov = &vectors[index], .msg_iovlen = 1};
}

static void readable(uv_poll_t *poll, int status, int events)
{
    int fd;
    (void)events;
    if (status < 0 || uv_fileno((uv_handle_t *)poll, &fd) != 0) return;
    for (int round = 0; round < 16; round++) {
        for (int i = 0; i < BATCH; i++) prepare(i);
        int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        if (count <= 0) return;
        for (int i = 0; i < count; i++)
            vectors[i].iov_len = answer_bytes >= 0 ? (size_t)answer_bytes : messages[i].msg_len;
        for (int sent = 0; sent < count;) {
            int n = sendmmsg(fd, messages + sent, count - sent, 0);
            if (n <= 0) break;
            sent += n;
        }
        if (count < BATCH) return;
    }
}

static void stop(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(int argc, char **argv)
{
    if (argc < 2) return fprintf(stderr, "usage: udp_echo PORT [answer bytes]\n"), 2;
    if (argc > 2) answer_bytes = atoi(argv[2]);
    if (answer_bytes > LARGEST) return fprintf(stderr, "udp_echo: at most %d bytes\n", LARGEST), 2;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 4 << 20;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    socklen_t length = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return perror("udp_echo"), 1;
    uv_loop_t *loop = uv_default_loop();
    uv_poll_t poll;
    uv_signal_t signal;
    uv_poll_init(loop, &poll, fd);
    uv_poll_start(&poll, UV_READABLE, readable);
    uv_signal_init(loop, &signal);
    uv_signal_start(&signal, stop, SIGTERM);
    printf("{\"port\": %d}\n", ntohs(address.sin_port));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    close(fd);
    return 0;
}
