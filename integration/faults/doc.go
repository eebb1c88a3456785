// Package faults plays faults against a fleet of real processes, and judges the fleet by what the provider saw.
//
// A [Row] is one fault: what is played, against which fleet, and the marks that the fleet must reach. [Harness.Play] plays a row in a
// [World]: a Redis, a [Provider], a [Proxy] between the fleet and Redis where the row asks for one, and replicas, each of which is a
// process of its own. The replicas run tasks again and again. Each task waits for its token and then calls the provider once.
//
// Redis has a [Topology]: one server, a cluster, or a master that Sentinels watch. Servers are processes of redis-server, or containers. A row
// with several servers looks at all of them again and again, and notes when each was a master and when it granted.
//
// The judge reads two things: the provider's [Log] of arrivals, and the reports in which replicas count the outcomes of their tasks.
// The judge shares no code with the limiter.
//
// The fleet is weir's, or that of another [Program] whose replicas do what package process says: the rows then play the same faults against
// another limiter. The marks stay weir's.
//
// A row with two versions builds the program waiter in the tree of a former commit. A clone without that commit leaves the row out.
//
// A row whose subject needs no fleet names a test instead, and playing the row runs the test.
package faults
