// Package integration holds the tests that need more than one process. A fleet of replicas shares one budget on a real Redis in a container,
// and the simulator checks the budget. Package faults plays faults against fleets; the tests play the short ones, the program matrix plays all
// at full length.
//
// A test that needs Docker, or a redis-server on the PATH, is skipped without it and names what is missing. With CI set it fails instead. The
// image is redis:7-alpine, or the one that REDIS_IMAGE names.
//
// It is a module of its own, so that programs that link the library do not depend on testcontainers and Docker's client.
package integration
