// The load generator of the bench: one thread, one epoll, one line of JSON as the result.
//
//   load http   --port P [--connections 64] [--requests N | --seconds S] [--rate R] [--method POST|GET]
//               [--path /v1/chat/completions] [--body 558] [--expect 1024] [--fresh] [--until-eof]
//               [--key KEY | --keys FILE] [--addresses]
//   load stream --port P [--streams 1000] [--rate 20] [--bytes 140] [--events 0] [--seconds S]
//   load idle   --port P [--connections 2000]
//   load body   --port P --direction down|up [--bytes 104857600] [--count 10]
//
// `http` without --rate sends as fast as it is answered; with it, at that rate whatever the answers do, and a
// latency counts from when the request was due. `--fresh` opens a connection for each request.
// `--key` goes along as `Authorization: Bearer KEY`; `--keys` takes the next line of FILE for each request.
// `--addresses` puts another client's address into `X-Forwarded-For` of each request, a million of them in turn.
// `stream` and `idle` print a line when everything is open, one for each line on standard input, and the last
// one when that ends.
#include "load.h"

int main(int count, char **arguments) {
    raise_descriptor_limit();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count >= 2 && strcmp(arguments[1], "http") == 0) return run_http(count, arguments);
    if (count >= 2 && strcmp(arguments[1], "stream") == 0) return run_streams(count, arguments);
    if (count >= 2 && strcmp(arguments[1], "idle") == 0) return run_streams(count, arguments);
    if (count >= 2 && strcmp(arguments[1], "body") == 0) return run_body(count, arguments);
    die("usage: load http|stream|idle|body --port P …; see the top of load.c");
}
