// Package integration holds the tests that need more than one process: a fleet of replicas under one budget, on a real
// Redis in a container, judged by the simulator; and the faults that package faults plays against fleets. The program matrix plays those at length.
//
// What needs Docker skips where there is none and says what is missing; with CI set it fails instead. The image is
// redis:7-alpine, or the one that REDIS_IMAGE names. What needs a redis-server on the PATH does the same.
//
// It is a module of its own, so that programs that link the library need no version of testcontainers or of Docker's client.
package integration
