/* The first process of a pod: it holds the pod's namespaces and buries the
 * children that others leave to it. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
end(int signal)
{
	(void)signal;
	_exit(0);
}

static void
bury(int signal)
{
	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
}

int
main(void)
{
	(void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
	(void)sigaction(SIGINT, &(struct sigaction){.sa_handler = end}, NULL);
	(void)sigaction(SIGCHLD, &(struct sigaction){.sa_handler = bury}, NULL);
	for (;;) {
		(void)pause();
	}
}
