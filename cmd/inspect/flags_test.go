package main

import (
	"testing"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/cmd/internal/clitest"
)

func command() clitest.Command {
	return clitest.Command{Name: "inspect", Description: description, Grammar: func() any { return &inspectCmd{} }}
}

// TestHelp checks that every help text fits into 80 columns and shows each flag in full.
func TestHelp(t *testing.T) { command().Help(t) }

// TestWrongFlags checks that the error about a wrong flag names the flag and its variable.
func TestWrongFlags(t *testing.T) {
	cli.QuietRedis()
	t.Setenv("REDIS_URL", "")
	const none = "/none/of/these"
	bucket := []string{"global", "--write", "--yes"}
	command().WrongFlags(t, clitest.Wrong{
		"--namespace": {"", "a b", "a{b}"}, "--timeout": {"0s", "-1s"}, "--width": {"-1", "39"}, "--n": {"0", "-1"},
		"--watch": {"1ms", "-1s"}, "--stale": {"0s", "-1s"}, "--filter": {"(", "!("}, "--addr": {"7070", "127.0.0.1:99999", "host:http"},
		"--interval": {"0s", "100ms"}, "serve --stale": {"2s", "-1s"}, "--for": {"-1s"}, "--fail-if": {"later > 5", "lost >", "5s"},
		"--redis-ca": {none}, "--redis-cert": {none}, "--redis-key": {none}, "--redis-password-file": {none},
		"--bucket": clitest.AnyText(),
	}, map[string][]string{
		"why": {"global"}, "pause": bucket, "resume": bucket, "limit": bucket, "restore": {"global", "5", "--write", "--yes"}, "unlearn": bucket, "shadow": {"on", "--write", "--yes"},
		"drain": bucket, "forget": bucket,
	})
}
