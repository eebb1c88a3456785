package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// The scripts of a former version, which kept all records in one hash. The bench calls them as that version did, so that one run
// compares both versions.
//
//go:embed testdata/former/*.lua
var formerFiles embed.FS

// formerScripts are the scripts of the former version.
type formerScripts struct{ configure, plain, full *redis.Script }

func formerScript(name string) *redis.Script {
	text, err := formerFiles.ReadFile("testdata/former/" + name + ".lua")
	if err != nil {
		panic(err) // only a mistake in this package: the file is not embedded
	}
	return redis.NewScript(string(text))
}

// former returns the former version of the scripts.
func former() generation {
	s := &formerScripts{formerScript("configure"), formerScript("plain"), formerScript("full")}
	return generation{name: "before", configure: s.announce, path: s.path, die: dieFormer}
}

func (s *formerScripts) announce(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs) (lua.ConfigureReply, error) {
	raw, err := s.configure.Run(ctx, rdb, []string{keys.State()}, formerConfigureArgs(a)...).StringSlice()
	if err != nil {
		return lua.ConfigureReply{}, fmt.Errorf("former configure: %w", err)
	}
	var r lua.ConfigureReply
	if _, err := fmt.Sscan(raw[0], &r.NowUS, &r.TimeUS, &r.Grants, &r.Version, &r.Live, &r.Former, &r.Epoch); err != nil {
		return lua.ConfigureReply{}, fmt.Errorf("former configure: reply %q: %w", raw, err)
	}
	r.Told = raw[1]
	return r, nil
}

func formerConfigureArgs(a lua.ConfigureArgs) []any {
	if a.Epoch == "" {
		a.Epoch = "-"
	}
	wish := make([]string, len(a.Wish))
	for i, l := range a.Wish {
		wish[i] = l.Field.String() + " " + formerLimit(l)
	}
	slices.Sort(wish)
	empty := make([]string, len(a.Empty))
	for i, f := range a.Empty {
		empty[i] = f.String()
	}
	text := strings.Join(wish, "\n")
	return []any{
		a.Epoch, a.Grants, a.Fresh, a.Version, a.Told, a.HorizonUS, a.Replica, a.Session, 0, formerDigest(text), text,
		strings.Join(empty, " "),
	}
}

func formerDigest(wish string) string {
	sum := sha256.Sum256([]byte(wish))
	return hex.EncodeToString(sum[:8])
}

func formerLimit(l lua.Limit) string { return fmt.Sprint(l.Tokens, l.PerUS, l.Burst) }

// dieFormer leaves the records of replicas that announced themselves an hour ago. It writes the records directly, because the former script
// reads all of them whenever it writes one.
func dieFormer(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs, replicas int) error {
	now, err := rdb.Time(ctx).Result()
	if err != nil {
		return err
	}
	digest := formerConfigureArgs(a)[9]
	for names := range slices.Chunk(deadNames(replicas), 1000) {
		set := make([]any, 0, 2*len(names))
		for _, name := range names {
			set = append(set, "replica:"+name, fmt.Sprintf("2 %d 0 %s %s", now.Add(-time.Hour).UnixMicro(), digest, name))
		}
		if err := rdb.HSet(ctx, keys.State(), set...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// formerPath has the limits of one route, as arguments of the former scripts.
type formerPath struct {
	*formerScripts

	simple, busy bool
	limits       int
	places       []string
	last, spare  string
	words        []any // two for each limit
}

func (s *formerScripts) path(keys lua.Keys, session, lane string, limits []lua.Limit) asker {
	p := &formerPath{formerScripts: s, simple: true, limits: len(limits), places: []string{keys.State()}, last: "last:" + session + ":" + lane}
	var fields []string
	for _, l := range limits {
		field := l.Field.String()
		fields = append(fields, field)
		p.places = append(p.places, keys.Own(l.Field), keys.Log(l.Field), keys.Line(l.Field))
		p.simple = p.simple && !l.Own && !l.Field.Window
		if l.Own {
			field = "own:" + field
		}
		text := "2 " + formerLimit(l) + " "
		if l.Own && l.Empty {
			text += "-"
		}
		p.words = append(p.words, field, text)
	}
	p.spare = "spare:" + strings.Join(fields, " ")
	return p
}

// Acquire is [lua.Path.Acquire] with the former scripts.
func (p *formerPath) Acquire(ctx context.Context, rdb redis.UniversalClient, a *lua.AcquireArgs, r *lua.AcquireReply) error {
	argv := p.args(a)
	if p.simple && !p.busy && len(a.Backs) == 0 {
		text, err := p.plain.Run(ctx, rdb, p.places[:1], argv...).Text()
		if err != nil || text != "6" {
			return p.read(text, err, r)
		}
	}
	text, err := p.full.Run(ctx, rdb, p.places, argv...).Text()
	return p.read(text, err, r)
}

func (p *formerPath) args(a *lua.AcquireArgs) []any {
	argv := append([]any{
		p.last, p.spare, fmt.Sprint(a.Seq, a.Grants, a.HorizonUS, a.LeadUS, p.limits, len(a.Backs)), fmt.Sprintf("2 %s %d ", a.Epoch, a.Version),
	}, p.words...)
	for _, b := range a.Backs {
		argv = append(argv, strconv.FormatInt(b.DueUS, 10)+" "+formerCosts(b.Costs))
	}
	for _, k := range a.Asks {
		argv = append(argv, fmt.Sprintf("%d %s %d 0 %d", k.Count, formerCosts(k.Costs), k.PatienceUS, k.AgeUS))
	}
	return argv
}

func formerCosts(costs []int64) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(costs), "[]"), " ", ",")
}

// read copies the fields that the bench needs from a reply.
func (p *formerPath) read(text string, err error, r *lua.AcquireReply) error {
	if err != nil {
		return fmt.Errorf("former acquire: %w", err)
	}
	if strings.HasPrefix(text, "4") {
		return lua.ErrUnknown
	}
	var status, busy int64
	if _, err := fmt.Sscan(text, &status, &r.Grants, &r.NowUS, &r.ComeBackUS, &busy); err != nil || status != 0 {
		return errors.New("former acquire: reply " + strconv.Quote(text))
	}
	p.busy = busy == 1
	return nil
}
