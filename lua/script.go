package lua

import (
	"context"
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed *.lua
var files embed.FS

// A script is a list of fragments, joined as text: all of them see the same locals. Code of several scripts is written
// once.
var (
	plainFragments = []string{
		"arguments", "numbers", "checks", "level", "memory", "time", "hooks", "limits", "asks", "token", "rules", "pass",
		"serve", "wait", "joint", "more", "charge", "answer", "reply",
	}
	fullFragments = []string{
		"arguments", "numbers", "checks", "level", "rate", "change", "memory", "time", "hooks", "own", "window", "eras", "learn", "enter",
		"limits", "asks", "token", "rules", "pass", "closed", "line", "settled", "arrive", "spare", "hold", "taught", "reports",
		"serve", "wait", "joint", "more", "charge", "answer", "entry", "settle", "reply",
	}
	configureFragments = []string{
		"configure", "numbers", "checks", "level", "rate", "change", "eras", "requested", "time", "settings", "wanted", "force", "collect", "levels", "written",
	}
)

// script is a script with its digest.
type script struct {
	source, hash string
}

// compose joins fragments to a script.
func compose(fragments ...string) script {
	var b strings.Builder
	for i, name := range fragments {
		text, err := files.ReadFile(name + ".lua")
		if err != nil {
			panic(err) // a fragment that is not embedded: a mistake in this package
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(text)
	}
	source := b.String()
	return script{source, redis.NewScript(source).Hash()}
}

// Sources returns the text of every script as Redis runs it, by name: for checks.
func Sources() map[string]string {
	return map[string]string{
		"plain": plain.source, "full": full.source, "configure": configureSource, "heartbeat": heartbeatSource,
	}
}

// run runs a script with a command. run fills in argv[0] and argv[1].
func (s script) run(ctx context.Context, rdb redis.UniversalClient, argv []any) (string, error) {
	argv[0], argv[1] = "evalsha", s.hash
	text, err := process(ctx, rdb, argv)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		argv[0], argv[1] = "eval", s.source
		text, err = process(ctx, rdb, argv)
	}
	return text, err
}

func process(ctx context.Context, rdb redis.UniversalClient, argv []any) (string, error) {
	cmd := redis.NewCmd(ctx, argv...)
	if err := rdb.Process(ctx, cmd); err != nil {
		return "", err
	}
	return cmd.Text()
}
