// Command worker is a replica that analyses playlists within a budget it shares with all others, the simulator of the
// providers it calls, and a demonstration of both.
//
// # Telemetry
//
// The subcommands serve and analyze send traces, metrics and logs where the standard variables OTEL_* say, and nothing without them.
// The exporter "console" writes to stderr: stdout has results alone. At the end a command waits for what has not been sent, for five seconds at
// most. A collector that does not answer fails no command; the log says what was not sent.
//
// serve opens an admin port, 127.0.0.1:9464 unless WEIR_ADMIN says otherwise, with /metrics for Prometheus and, on loopback alone, /debug/pprof/. It
// closes the port after the replica has drained. The folder deploy/observability has a dashboard and alerts.
//
// Spans tell of a request its method, the template of its path and its status. A span leaves the process with the attributes that
// isPublic lists, and with no other.
package main

import (
	"os"

	"github.com/alecthomas/kong"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// grammar is what can be asked of the command; its Run methods do the work.
type grammar struct {
	Demo        demoCmd     `cmd:"" help:"Four replicas under one budget, in this process: no Redis, Docker, key or network needed."`
	Serve       serveCmd    `cmd:"" help:"Run a replica: POST a playlist to /v1/playlists/analyze."`
	Analyze     analyzeCmd  `cmd:"" help:"Analyse one playlist: progress on stderr, the result as JSON on stdout."`
	Upstream    upstreamCmd `cmd:"" help:"Run the simulator of the three providers, which refuses what is above the budget."`
	Healthcheck healthCmd   `cmd:"" help:"Exit 0 if a replica or simulator answers: for images without a shell."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

const description = `Rate limiting for fleets that call other people's APIs: a worker that shows it.

REDIS_URL names the Redis that a fleet shares: redis://user:password@host:port for one server, redis+cluster:// for a cluster, redis+sentinel:// for Sentinel, with rediss in place of redis for TLS.

Keys and tokens are read from the environment only: ANTHROPIC_API_KEY, LASTFM_API_KEY, SPOTIFY_ACCESS_TOKEN, or SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET (not with PKCE) and SPOTIFY_REFRESH_TOKEN. SPOTIFY_TOKEN_FILE keeps a refresh token that Spotify replaces. SPOTIFY_GRANT=client_credentials needs no user and creates no playlist. WEIR_TOKEN is what callers of serve have to send. Traces, metrics and logs go where the variables OTEL_* say, and to nobody without them.

Exit status: 0, also of a serve that a signal has ended in order; 1 for an error; 2 for a wrong flag or variable; 130 when interrupted; 143 when a second signal has ended it at once.`

func main() {
	cli.QuietRedis()
	os.Exit(cli.Main("worker", description, &grammar{}, os.Args[1:], cli.Streams{Out: os.Stdout, Err: os.Stderr}))
}
