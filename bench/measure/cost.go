package measure

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Mark has the counters of this process and of Redis at a moment. [Mark.End] returns the difference to a later moment.
type Mark struct {
	at       time.Time
	process  time.Duration
	server   time.Duration
	mallocs  uint64
	commands map[string]Command
}

// Command has the calls of one command since Redis started, and the microseconds that they took, as Redis reports them.
type Command struct{ Calls, Micros int64 }

// Cost is the cost of a span of time.
type Cost struct {
	Took            time.Duration
	Process, Server time.Duration // CPU of this process (getrusage) and of Redis (used_cpu), user and system
	Mallocs         uint64        // heap objects allocated in this process
	Commands        map[string]Command
}

// Begin begins a span and returns its mark. It reads the counters of Redis first, so that this request is not part of the span. It returns an
// error if Redis does not reply.
func Begin(ctx context.Context, rdb *redis.Client) (Mark, error) {
	var m Mark
	var err error
	if m.server, m.commands, err = server(ctx, rdb); err != nil {
		return Mark{}, err
	}
	if m.process, err = process(); err != nil {
		return Mark{}, err
	}
	m.mallocs = mallocs()
	m.at = time.Now()
	return m, nil
}

// End returns the cost of the span since m. It reads the counters of Redis last.
func (m Mark) End(ctx context.Context, rdb *redis.Client) (Cost, error) {
	c := Cost{Took: time.Since(m.at), Mallocs: mallocs() - m.mallocs, Commands: map[string]Command{}}
	spent, err := process()
	if err != nil {
		return Cost{}, err
	}
	now, commands, err := server(ctx, rdb)
	if err != nil {
		return Cost{}, err
	}
	c.Process, c.Server = spent-m.process, now-m.server
	for name, n := range commands {
		was := m.commands[name]
		c.Commands[name] = Command{n.Calls - was.Calls, n.Micros - was.Micros}
	}
	return c, nil
}

// Calls returns the number of calls by command.
func (c Cost) Calls() map[string]int64 {
	calls := make(map[string]int64, len(c.Commands))
	for name, n := range c.Commands {
		calls[name] = n.Calls
	}
	return calls
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func server(ctx context.Context, rdb *redis.Client) (time.Duration, map[string]Command, error) {
	text, err := rdb.Info(ctx, "cpu", "commandstats").Result()
	if err != nil {
		return 0, nil, fmt.Errorf("measure: INFO: %w", err)
	}
	cpu, commands := parseInfo(text)
	return cpu, commands, nil
}

// parseInfo reads the sections cpu and commandstats of INFO.
func parseInfo(text string) (cpu time.Duration, commands map[string]Command) {
	commands = map[string]Command{}
	for line := range strings.Lines(text) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if field == "used_cpu_user" || field == "used_cpu_sys" {
			s, _ := strconv.ParseFloat(value, 64) // Redis always writes a number here
			cpu += time.Duration(s * float64(time.Second))
		}
		if name, ok := strings.CutPrefix(field, "cmdstat_"); ok {
			var c Command
			for part := range strings.SplitSeq(value, ",") {
				key, n, _ := strings.Cut(part, "=")
				switch key {
				case "calls":
					c.Calls, _ = strconv.ParseInt(n, 10, 64)
				case "usec":
					c.Micros, _ = strconv.ParseInt(n, 10, 64)
				}
			}
			commands[name] = c
		}
	}
	return cpu, commands
}
