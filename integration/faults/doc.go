// Package faults plays faults against a fleet of real processes, and judges the fleet by what the provider saw.
//
// A [Row] is one fault: what is played, against which fleet, and the marks that the fleet must reach. [Harness.Play] plays a row in a
// [World]. A World has a Redis, a [Provider], replicas, and in some rows a [Proxy] between the fleet and Redis. Each replica is a process of its
// own, which runs tasks all the time. Each task waits for its token and then calls the provider once.
//
// Redis has a [Topology]: one server, a cluster, or a master that Sentinels watch. Servers are processes of redis-server, or containers. A row
// with several servers polls all of them, and notes when each was a master and when it granted reservations.
//
// The judge reads two things: the provider's [Log] of arrivals, and the reports in which replicas count the outcomes of their tasks.
// The judge shares no code with the limiter.
//
// The replicas run weir's program, or another [Program] that uses package process with another limiter. The rows then play the same faults
// against that limiter. The marks stay the same.
//
// A row with two versions builds the program waiter in the tree of a former commit. In a clone without that commit the row is left out.
//
// A row whose subject needs no fleet names a test instead, and playing the row runs the test.
package faults
