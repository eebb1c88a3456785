package main

import (
	"testing"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/cmd/internal/clitest"
)

func command() clitest.Command {
	return clitest.Command{Name: "worker", Description: description, Grammar: func() any { return &grammar{} }}
}

// TestHelp: every help text fits into 80 columns and tells each flag whole.
func TestHelp(t *testing.T) {
	clean(t, nil)
	command().Help(t)
}

// TestWrongFlags: whatever is wrong with a flag, the error names the flag and its variable.
func TestWrongFlags(t *testing.T) {
	cli.QuietRedis()
	clean(t, map[string]string{"SPOTIFY_ACCESS_TOKEN": "t", "ANTHROPIC_API_KEY": "k", "LASTFM_API_KEY": "k"})
	const none = "/none/of/these"
	command().WrongFlags(t, clitest.Wrong{
		"--replicas": {"0", "257"}, "--tracks": {"0", "10001"}, "--seconds": {"5"},
		"--rate": {"0", "-1", "NaN", "Inf", "abc", ""}, "--burst": {"0", "-1"}, "--slots": {"0", "-1"}, "--namespace": {"", "a b", "a{b}"},
		"--grace": {"-1s"}, "--drain": {"0s", "-1s"}, "--local-for": {"0s", "2h"}, "--addr": {"99999999", "127.0.0.1:65536", "nowhere"},
		"--admin": {"9464", "127.0.0.1:99999"}, "--upstream": {"127.0.0.1:9191", "ftp://x", "http://"}, "--api": {"spotify", "spotify=10", "github=10:5", "lastfm=0/1s"},
		"upstream --api": {"spotify", "github=10:5", "spotify=-1:5", "spotify=1:0"}, "upstream --rate": {"-1", "NaN", "0.0001"}, "upstream --burst": {"0", "-1"},
		"--slack": {"-1s", "1h"}, "--window": {"40", "0/1s", "40/1ns"}, "--latency-min": {"-1s", "1h"}, "--latency-max": {"1h"}, "--seed": {"-1"},
		"--failures": {"-1", "2", "NaN"}, "--overloaded": {"-1", "2"}, "upstream --model": {","},
		"--input-tokens": {"30000", "0:5"}, "--output-tokens": {"30000", "0:5"}, "--total-tokens": {"30000", "5:0"}, "--output-median": {"-1"},
		"--headers": {"x-minutes"}, "--retry-after": {"spotify", "github=1s", "spotify=0s"}, "--change": {"30s=fast", "0s=20:20"},
		"--strangers": {"spotify", "github=5@10s-60s", "spotify=0@10s-60s"}, "--stretch": {"spotify", "spotify=overloaded:0.5@10s-60s"},
		"--redis-ca": {none}, "--redis-cert": {none}, "--redis-key": {none}, "--redis-password-file": {none},
		"--allow-host": clitest.AnyText(), "--model": clitest.AnyText(), "--narrator-model": clitest.AnyText(), "--playlist": clitest.AnyText(),
	}, map[string][]string{"analyze": {"../../worker/playlist/sample.csv"}})
}
