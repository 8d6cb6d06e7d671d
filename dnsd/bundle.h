/* Sends a batch of answers; those of one size to one asker leave as one message, which the kernel
 * cuts into datagrams as late as it can (UDP_SEGMENT): their way down through the network stack is
 * gone once and not once each. docs/decisions/038-answers-in-bundles.md. */
#ifndef TANDEM_DNSD_BUNDLE_H
#define TANDEM_DNSD_BUNDLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	BUNDLE_ANSWERS_MAX = 32, /* of a batch; the kernel takes 64 in a message */
	BUNDLE_BYTES_MAX =
	    1232, /* of an answer: fits every path that IPv6 allows; larger ones go alone */
	BUNDLE_LOOKBACK = 16, /* bundles that an answer is compared with */
	BUNDLE_CONTROL_BYTES =
	    CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)),
};

/* Of one thread; zero is ready for use. */
struct bundler {
	bool alone; /* the kernel or a device can not cut: every answer by itself */
	size_t messages_count;
	struct mmsghdr messages[BUNDLE_ANSWERS_MAX];
	uint8_t first[BUNDLE_ANSWERS_MAX];  /* of a bundle, the first of its answers */
	uint8_t bundle[BUNDLE_ANSWERS_MAX]; /* of an answer */
	struct iovec parts[BUNDLE_ANSWERS_MAX];
	_Alignas(struct cmsghdr) uint8_t control[BUNDLE_ANSWERS_MAX][BUNDLE_CONTROL_BYTES];
};

/* Makes `messages` of `count` answers, each with one part, an address and perhaps the address it is
 * sent from as control data. The order of the answers to one asker may change; UDP has none. */
void bundler_pack(struct bundler *b, const struct mmsghdr *answers, size_t count);
/* Sends them. The number of answers that the kernel did not take. */
size_t bundler_send(struct bundler *b, int fd, struct mmsghdr *answers, size_t count);

#endif
