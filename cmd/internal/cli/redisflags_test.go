package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// TestPasswordIsReadForEachConnection also checks that the error names the file, and does not blame Redis, if the file cannot be read any more.
func TestPasswordIsReadForEachConnection(t *testing.T) {
	cli.QuietRedis()
	m := miniredis.RunT(t)
	file := filepath.Join(t.TempDir(), "password")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("hunter2\r\n")
	r, err := cli.RedisFlags{RedisPasswordFile: file}.Open("redis://kim@" + m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	r.SendOnce = true
	ping := func() error { // on a new connection
		rdb := r.Client()
		defer rdb.Close()
		return rdb.Ping(context.WithoutCancel(t.Context())).Err()
	}
	for _, row := range []struct {
		situation, password, file string
		says                      []string // nil if the login succeeds
	}{
		{"the password", "hunter2", "hunter2\r\n", nil},
		{"a new password", "hunter3", "hunter3\n", nil},
		{"a password with a space at its end", "hunter4 ", "hunter4 ", nil},
		{"an old password", "hunter6", "hunter5", []string{"refuses: WRONGPASS", "--redis-password-file (or WEIR_REDIS_PASSWORD_FILE)"}},
		{"an empty file", "hunter7", "\n", []string{"gets no new connection: --redis-password-file", file + " is empty"}},
		{"no file", "hunter7", "", []string{"gets no new connection: --redis-password-file", file + " cannot be read: no such file"}},
		{"the file again", "hunter7", "hunter7", nil},
	} {
		m.RequireUserAuth("kim", row.password)
		put(row.file)
		if row.file == "" {
			_ = os.Remove(file)
		}
		err := ping()
		if err != nil {
			err = r.Unanswered(cli.Unreachable, err)
		}
		t.Logf("%-35s %v", row.situation, err)
		if (err == nil) != (row.says == nil) {
			t.Errorf("%s: %v", row.situation, err)
		}
		for _, says := range row.says {
			e, ok := errors.AsType[*cli.Error](err)
			if !ok || e.Status != cli.Unreachable || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "does not answer") || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s: %v, want %q", row.situation, err, says)
			}
		}
	}
}

// TestFilesOfNoRedis checks that a file is refused if REDIS_URL is not set, because nothing would use the file.
func TestFilesOfNoRedis(t *testing.T) {
	if r, err := (cli.RedisFlags{}).Open(""); r != nil || err != nil {
		t.Errorf("%v, %v", r, err)
	}
	_, err := cli.RedisFlags{RedisCA: "ca.pem"}.Open("")
	if e, ok := errors.AsType[*cli.Error](err); !ok || e.Status != cli.Usage || !strings.Contains(err.Error(), "--redis-ca (or WEIR_REDIS_CA): REDIS_URL is not set") {
		t.Error(err)
	}
}
