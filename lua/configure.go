package lua

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

var configureSource = compose(configureFragments...).source

var configure = redis.NewScript(configureSource)

// ConfigureArgs are the arguments of [Configure].
type ConfigureArgs struct {
	Epoch     string // the epoch that the caller knows, "" for none
	Grants    int64  // the highest count of grants that the caller saw in it
	Fresh     string // name of the epoch that begins if memory was lost
	Version   int64  // of the configuration that the caller knows, 0 for none
	Told      string // what was set for the fleet, from the last reply
	HorizonUS int64  // debt of a limit of which nothing is known
	Replica   string // its name
	Session   string // of the process; a process that restarts under the same name has another
	Leaving   bool   // the replica ends and is no longer live
	Wish      []Limit
	Empty     []Field  // fields of limits that begin empty if nobody has used them; others begin full
	Force     []Limit  // the limits in force, from the last reply
	Reports   []Report // what the caller remembers of slow limits
	Change    []string // changes for the fleet: made by TellLimits and TellOpens
}

// ConfigureReply is the answer of [Configure].
type ConfigureReply struct {
	NowUS, TimeUS int64 // the namespace's own time, and Redis' clock
	Grants        int64
	Epoch         string
	Version       int64
	Live          int      // replicas seen in the last half minute, including this one
	Began         Began    // what this call began
	CollectsUS    int64    // how long reports of lost limits are collected; 0 if they are not
	Told          string   // what was set for the fleet, for ConfigureArgs.Told: by Redis' clock
	Opens         []Opens  // the same, in parts: the buckets that are closed until a moment
	Set           []string // and the buckets whose limits were set
	Shadow        string   // the text of TellShadow
	Shadowed      []string // the buckets of TellShadowed
	Force         []Limit  // the limits in force, of all buckets that any replica wants
	Disputed      []Dispute
	Slow          []Heard     // the slow limits, except those for which reports are collected
	Recovered     []Recovered // the limits whose collection this call has ended
	Former        int64       // version of the stored records; 0 for none
}

// Began is what a call of [Configure] began.
type Began int64

// The values of [Began].
const (
	BeganNothing   Began = 0
	BeganNamespace Began = 1 // nothing was remembered and nothing was found
	BeganEpoch     Began = 2 // memory was lost
)

// Dispute is what some replicas want of a disputed bucket.
type Dispute struct {
	Bucket   string
	Replicas []string // some of them, the latest to announce it; none if others only remember it
	Limits   []Limit
}

// Heard is the state of a slow limit in a reply: in how many microseconds a bucket is full, or how many starts a window
// has counted.
type Heard struct {
	Limit

	Level int64
}

// Recovered is a lost limit that has its level again. It is full this much sooner than if it were empty.
type Recovered struct {
	Field    Field
	SoonerUS int64
}

// Report is what a replica remembers of a slow limit, at a number of grants in an epoch.
type Report struct {
	Limit

	Epoch  string
	Grants int64
	FullUS int64    // of a bucket: microseconds from now until it is full, negative if it is full
	Starts []Starts // of a window, oldest first
}

// Starts is a number of starts of a window, and the time by which they were due, in microseconds from now.
type Starts struct{ Number, DueUS int64 }

func (r Report) text() string {
	text := r.Field.String() + " " + r.Limit.text() + " " + r.Epoch + " " + strconv.FormatInt(r.Grants, 10)
	if !r.Field.Window {
		return text + " " + strconv.FormatInt(r.FullUS, 10)
	}
	for _, s := range r.Starts {
		text += " " + strconv.FormatInt(s.Number, 10) + ":" + strconv.FormatInt(s.DueUS, 10)
	}
	return text
}

// Configure records what a replica wants and returns what is in force. Call it at start, whenever [Path.Acquire]
// returns [ErrUnknown], and every few seconds: a replica that is silent for half a minute is forgotten.
func Configure(ctx context.Context, rdb redis.UniversalClient, keys Keys, a ConfigureArgs) (ConfigureReply, error) {
	epoch, leaving := a.Epoch, 0
	if epoch == "" {
		epoch = "-"
	}
	if a.Leaving {
		leaving = 1
	}
	wanted, forced := limitLines(a.Wish), limitLines(a.Force)
	empty := make([]string, len(a.Empty))
	for i, f := range a.Empty {
		empty[i] = f.String()
	}
	reports := make([]string, len(a.Reports))
	for i, r := range a.Reports {
		reports[i] = r.text()
	}
	argv := []any{
		epoch, a.Grants, a.Fresh, a.Version, a.Told, a.HorizonUS, a.Replica, a.Session, leaving, digest(wanted), wanted,
		strings.Join(empty, " "), digest(forced), forced, strings.Join(reports, "\n"),
	}
	for _, line := range a.Change {
		argv = append(argv, line)
	}
	names := []string{keys.State(), keys.Live(), keys.Wishes(), keys.Replies(a.Session)}
	raw, err := configure.Run(ctx, rdb, names, argv...).Result()
	if err != nil && isWrongType(err) {
		types := map[string]string{names[0]: "hash", names[1]: "zset", names[2]: "hash", names[3]: "hash"}
		if err = removeWrongTypes(ctx, rdb, types); err == nil {
			raw, err = configure.Run(ctx, rdb, names, argv...).Result()
		}
	}
	if err != nil {
		return ConfigureReply{}, fmt.Errorf("lua: configure: %w", err)
	}
	if n, refused := raw.(int64); refused {
		return ConfigureReply{}, &ArgumentError{Number: n}
	}
	if text, ok := raw.(string); ok {
		if n, err := strconv.ParseInt(strings.TrimPrefix(text, "newer "), 10, 64); err == nil {
			return ConfigureReply{}, &VersionError{Stored: n, Known: Version}
		}
	}
	return configureReply(raw)
}

// limitLines returns limits in the form of the script, a line each, sorted.
func limitLines(limits []Limit) string {
	lines := make([]string, len(limits))
	for i, l := range limits {
		lines[i] = l.Field.String() + " " + l.text()
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func configureReply(raw any) (ConfigureReply, error) {
	list, _ := raw.([]any)
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i], _ = v.(string)
	}
	if len(texts) != 6 {
		return ConfigureReply{}, fmt.Errorf("lua: configure: reply %v", raw)
	}
	w := words{rest: texts[0]}
	r := ConfigureReply{
		NowUS: w.next(), TimeUS: w.next(), Grants: w.next(), Version: w.next(), Live: int(w.next()), Former: w.next(),
		Began: Began(w.next()), CollectsUS: w.next(), Epoch: w.word(),
	}
	r.Told = byClock(texts[1], r.TimeUS-r.NowUS)
	r.Force = parseLimits(texts[2])
	set := parseSettings(texts[1])
	r.Opens, r.Set, r.Shadow, r.Shadowed = set.opens, set.set, set.shadow, set.shadowed
	for line := range strings.Lines(texts[3]) {
		h := words{rest: strings.TrimSpace(line)}
		l, ok := parseLimit(&h)
		if level := h.next(); ok && !h.bad {
			r.Slow = append(r.Slow, Heard{l, level})
		}
	}
	for line := range strings.Lines(texts[4]) {
		d := words{rest: strings.TrimSpace(line)}
		dispute := Dispute{Bucket: d.word()}
		for range min(d.next(), 100) {
			dispute.Replicas = append(dispute.Replicas, d.word())
		}
		for d.rest != "" && !d.bad {
			if l, ok := parseLimit(&d); ok {
				dispute.Limits = append(dispute.Limits, l)
			}
		}
		if !d.bad {
			r.Disputed = append(r.Disputed, dispute)
		}
	}
	for line := range strings.Lines(texts[5]) {
		c := words{rest: strings.TrimSpace(line)}
		f, ok := ParseField(c.word())
		if us := c.next(); ok && !c.bad {
			r.Recovered = append(r.Recovered, Recovered{f, us})
		}
	}
	if w.bad {
		return ConfigureReply{}, fmt.Errorf("lua: configure: reply %v", raw)
	}
	return r, nil
}
