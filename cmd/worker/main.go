// Command worker is a replica that analyses playlists under a budget that all replicas share. It is also the simulator of
// the providers that replicas call, and a demonstration of both.
//
// # Telemetry
//
// The subcommands serve and analyze send traces, metrics and logs to the destinations in the standard variables OTEL_*. Without these variables
// they send nothing. The exporter "console" writes to stderr, because stdout is for results. At its end a command sends the rest of its telemetry,
// for five seconds at most. If a collector does not answer, the command does not fail. The log has the error.
//
// serve opens an admin port, 127.0.0.1:9464 unless WEIR_ADMIN names another address. It serves /metrics for Prometheus and, on loopback only,
// /debug/pprof/. serve closes the port after the replica has drained. The folder deploy/observability has a dashboard and alerts.
//
// The span of a request has its method, the template of its path and its status. A span leaves the process only with the attributes for which
// isPublic returns true.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// grammar holds the subcommands. Their Run methods do the work.
type grammar struct {
	Demo        demoCmd     `cmd:"" help:"Four replicas under one budget, in this process: no Redis, Docker, key or network needed."`
	Serve       serveCmd    `cmd:"" help:"Run a replica: POST a playlist to /v1/playlists/analyze."`
	Analyze     analyzeCmd  `cmd:"" help:"Analyse one playlist: progress on stderr, the result as JSON on stdout."`
	Upstream    upstreamCmd `cmd:"" help:"Run the simulator of the three providers. It answers 429 to requests above the budget."`
	Healthcheck healthCmd   `cmd:"" help:"Exit with status 0 if a replica or simulator answers. For images without a shell."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

const description = `A worker that calls three providers under a budget that all of its replicas share, as a demonstration of the rate limiter weir.

REDIS_URL names the Redis that a fleet shares: redis://user:password@host:port for one server, redis+cluster:// for a cluster, redis+sentinel:// for Sentinel, with rediss in place of redis for TLS.

Keys and tokens are read from the environment only: ANTHROPIC_API_KEY, LASTFM_API_KEY, SPOTIFY_ACCESS_TOKEN, or SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET (not with PKCE) and SPOTIFY_REFRESH_TOKEN. SPOTIFY_TOKEN_FILE keeps a refresh token that Spotify replaces. SPOTIFY_GRANT=client_credentials needs no user and creates no playlist. WEIR_TOKEN is the token that callers of serve have to send. Traces, metrics and logs are sent to the destinations in the variables OTEL_*, and nowhere without them.

Exit status: 0, also when a signal has ended serve in order; 1 for an error; 2 for a wrong flag or variable; 130 when interrupted; 143 when a second SIGTERM has ended it at once.`

func main() {
	cli.QuietRedis()
	os.Exit(cli.Main("worker", description, &grammar{}, os.Args[1:], cli.Streams{Out: os.Stdout, Err: os.Stderr}))
}
