/*
 * usbreap [INDEX [LENGTH]]: what a libusb program does to read a string
 * descriptor (zero unless told), through the asynchronous usbfs calls:
 * SUBMITURB, then REAPURB.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_device(char *name, size_t len)
{
	unsigned char d[18];
	int bus, dev, fd;

	for (bus = 1; bus < 8; bus++)
		for (dev = 1; dev < 8; dev++) {
			snprintf(name, len, "/dev/bus/usb/%03d/%03d", bus, dev);
			fd = open(name, O_RDWR);
			if (fd < 0)
				continue;
			/* Skip root hubs (class 9): want a real device. */
			if (read(fd, d, 18) == 18 && d[4] != 9) {
				printf("usbreap: %s is %02x%02x:%02x%02x\n",
				       name, d[9], d[8], d[11], d[10]);
				return fd;
			}
			close(fd);
		}
	return -1;
}

int main(int argc, char **argv)
{
	int index = argc > 1 ? atoi(argv[1]) : 0;
	int length = argc > 2 ? atoi(argv[2]) : 254;
	int langid = index ? 0x0409 : 0;
	unsigned char setup[8] = {
		0x80, 0x06,			/* IN, GET_DESCRIPTOR */
		index, 0x03,			/* STRING */
		langid & 0xff, langid >> 8, length & 0xff, length >> 8
	};
	unsigned char buf[8 + 4096], dd[18];
	struct usbdevfs_ctrltransfer ct = { 0x80, 6, 0x0100, 0, 18, 1000, dd };
	struct usbdevfs_urb urb, *done = NULL;
	char name[64];
	int fd = open_device(name, sizeof(name));

	if (fd < 0) {
		fprintf(stderr, "usbreap: no device\n");
		return 1;
	}
	if (length < 4 || length > 4096)
		return 2;
	/* A synchronous transfer first: leaves an ordinary trace behind. */
	if (ioctl(fd, USBDEVFS_CONTROL, &ct) < 0)
		perror("USBDEVFS_CONTROL");

	memset(&urb, 0, sizeof(urb));
	memset(buf, 0x5a, sizeof(buf));
	memcpy(buf, setup, 8);
	urb.type = USBDEVFS_URB_TYPE_CONTROL;
	urb.endpoint = 0;
	urb.buffer = buf;
	urb.buffer_length = 8 + length;
	urb.usercontext = (void *)0xc0ffee;
	if (ioctl(fd, USBDEVFS_SUBMITURB, &urb) < 0) {
		perror("USBDEVFS_SUBMITURB");
		return 1;
	}
	usleep(200000);
	if (ioctl(fd, USBDEVFS_REAPURB, &done) < 0) {
		perror("USBDEVFS_REAPURB");
		return 1;
	}
	printf("usbreap: status %d actual %d: %02x %02x %02x %02x\n",
	       done->status, done->actual_length, buf[8], buf[9], buf[10], buf[11]);
	return 0;
}
