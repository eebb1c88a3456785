// Command inspect shows the live state of a fleet: its buckets, its replicas, and which calls wait and why. It reads them from Redis with seven
// commands, and one more for each replica.
package main

import (
	"os"

	"github.com/weir-go/weir/cmd/internal/cli"
)

const description = `Show the live state of a fleet, or why calls wait. Nothing is written to Redis without --write.

REDIS_URL names the Redis of the fleet: redis://user:password@host:port for one server, redis+cluster:// for a cluster, redis+sentinel:// for Sentinel, with rediss in place of redis for TLS. Without it, redis://127.0.0.1:6379.

Exit status: 0; 1 for an error; 2 for a wrong flag or variable; 3 if Redis does not answer or refuses; 4 if a check fails; 5 if no replica has published a record; 6 if some records could not be read or are incomplete; 130 if interrupted; 143 if a second signal ended it at once.`

func main() {
	cli.QuietRedis()
	os.Exit(cli.Main("inspect", description, &inspectCmd{}, os.Args[1:], cli.Streams{Out: os.Stdout, Err: os.Stderr}))
}
