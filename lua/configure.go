package lua

import (
	"context"
	"crypto/sha256"
	_ "embed" // the scripts
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed configure.lua
var configureSource string

var configure = redis.NewScript(configureSource)

// ConfigureArgs are the arguments of [Configure].
type ConfigureArgs struct {
	Epoch     string // the epoch that the caller knows, "" for none
	Grants    int64  // the highest count seen in it
	Fresh     string // name of the epoch to begin if memory was lost
	Version   int64  // of the configuration that the caller knows, 0 for none
	Told      string // what the fleet was told, as the last reply had it
	HorizonUS int64  // debt with which a limit begins of which nothing is known
	Replica   string // its name
	Session   string // of the process; one that restarts under its name is another
	Leaving   bool   // it is live no longer
	Wish      []Limit
	Change    []string // to tell the fleet: made by TellLimits and TellOpens
}

// ConfigureReply is the answer of [Configure].
type ConfigureReply struct {
	NowUS, TimeUS int64 // the namespace's own time, and Redis' clock
	Grants        int64
	Epoch         string
	Version       int64
	Live          int      // replicas seen in the last half minute, this one with them
	Told          string   // what the fleet was told
	Opens         []Opens  // the same, in parts: the buckets that are closed until a moment
	Set           []string // and the buckets whose limits were set
	Force         []Limit  // the limits in force, of all buckets anybody wants
	Disputed      []string // buckets about which replicas disagree
}

// Opens is a bucket of which nothing is due before a moment of the namespace's own time.
type Opens struct {
	Bucket string
	US     int64
}

// TellLimits are the words that set the limits of a bucket for the whole fleet; without limits those that the replicas
// were configured with are in force again.
func TellLimits(bucket string, limits []Limit) []string {
	if len(limits) == 0 {
		return []string{"limit " + bucket}
	}
	var out []string
	for _, l := range limits {
		out = append(out, "limit "+bucket+" "+l.Field.String()+" "+l.text())
	}
	return out
}

// TellOpens are the words that close a bucket for so many microseconds from now, at most half of 2^53; 0 to open it.
func TellOpens(bucket string, us int64) []string {
	if us == 0 {
		return []string{"opens " + bucket}
	}
	return []string{"opens " + bucket + " " + strconv.FormatInt(us, 10)}
}

// Configure notes what a replica wants and returns what is in force. It is to be called at start, whenever
// [Path.Acquire] returns [ErrUnknown], and every few seconds: a replica that is silent for half a minute is forgotten.
func Configure(ctx context.Context, rdb redis.Scripter, keys Keys, a ConfigureArgs) (ConfigureReply, error) {
	epoch, leaving := a.Epoch, 0
	if epoch == "" {
		epoch = "-"
	}
	if a.Leaving {
		leaving = 1
	}
	lines := make([]string, len(a.Wish))
	for i, l := range a.Wish {
		lines[i] = l.Field.String() + " " + l.text()
	}
	slices.Sort(lines)
	wish := strings.Join(lines, "\n")
	digest := sha256.Sum256([]byte(wish))
	argv := []any{
		epoch, a.Grants, a.Fresh, a.Version, a.Told, a.HorizonUS, a.Replica, a.Session, leaving, hex.EncodeToString(digest[:8]), wish,
	}
	for _, line := range a.Change {
		argv = append(argv, line)
	}
	raw, err := configure.Run(ctx, rdb, []string{keys.State()}, argv...).Result()
	if err != nil {
		return ConfigureReply{}, fmt.Errorf("lua: configure: %w", err)
	}
	if n, refused := raw.(int64); refused {
		return ConfigureReply{}, &ArgumentError{Number: n}
	}
	return configureReply(raw)
}

func configureReply(raw any) (ConfigureReply, error) {
	list, _ := raw.([]any)
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i], _ = v.(string)
	}
	if len(texts) != 4 {
		return ConfigureReply{}, fmt.Errorf("lua: configure: reply %v", raw)
	}
	w := words{rest: texts[0]}
	r := ConfigureReply{
		NowUS: w.next(), TimeUS: w.next(), Grants: w.next(), Version: w.next(), Live: int(w.next()), Epoch: w.word(),
		Told: texts[1], Disputed: strings.Fields(texts[3]),
	}
	r.Force = parseLimits(texts[2])
	r.Opens, r.Set = parseTold(r.Told)
	if w.bad {
		return ConfigureReply{}, fmt.Errorf("lua: configure: reply %v", raw)
	}
	return r, nil
}

// parseTold reads what the fleet was told: the buckets that are closed until a moment, and those whose limits were set.
func parseTold(told string) (opens []Opens, set []string) {
	for line := range strings.Lines(told) {
		part := strings.Fields(line)
		switch {
		case len(part) == 3 && part[0] == "opens":
			if us, err := strconv.ParseInt(part[2], 10, 64); err == nil {
				opens = append(opens, Opens{part[1], us})
			}
		case len(part) > 3 && part[0] == "limit" && !slices.Contains(set, part[1]):
			set = append(set, part[1])
		}
	}
	return opens, set
}
