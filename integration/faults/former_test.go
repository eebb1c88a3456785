package faults

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// history makes a repository with one commit for each set of files in package lua.
func history(t *testing.T, commits ...map[string]string) *Harness {
	t.Helper()
	h := &Harness{root: t.TempDir(), dir: t.TempDir(), built: map[string]former{}}
	git := func(args ...string) {
		t.Helper()
		if out, err := h.git(t.Context(), append([]string{"-c", "user.name=test", "-c", "user.email=test@example.test"}, args...)...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	git("init", "--quiet")
	for _, files := range commits {
		for name, text := range files {
			at := filepath.Join(h.root, "lua", name)
			if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "--quiet", "--allow-empty", "-m", "a version")
	}
	return h
}

// TestFormerVersionIsChosen: choose returns the documented commit for each age. A shallow clone without that commit returns an optional
// MissingError that names git fetch --unshallow.
func TestFormerVersionIsChosen(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is not on the PATH, and CI is set")
		}
		t.Skip("git is not on the PATH")
	}
	const three, four = "package lua\n\nconst Version = 3\n", "package lua\n\nconst Version = 4\n"
	h := history(t,
		map[string]string{"acquire.go": three, "level.lua": "-- a level"},
		map[string]string{"acquire.go": four},
		map[string]string{"level.lua": "-- " + levelWords},
		map[string]string{"level.lua": "-- faster, " + levelWords},
		map[string]string{"doc.go": "package lua\n"}, // HEAD has the same scripts as the commit before it
	)
	for a, want := range map[age]string{lastVersion: "HEAD~2", firstOfRecords: "HEAD~2", formerRecords: "HEAD~4"} {
		want, err := h.commit(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.choose(t.Context(), a); err != nil || got != want {
			t.Errorf("age %d is commit %s, error %v, want %s", a, got, err, want)
		}
	}
	if n, err := h.recordsAt(t.Context(), "HEAD~4"); err != nil || n != 3 {
		t.Errorf("records of version %d, error %v, want version 3", n, err)
	}

	// A tag is chosen, unless its scripts equal those of HEAD.
	for tag, want := range map[string]string{"HEAD~3": "HEAD~3", "HEAD~1": "HEAD~2"} {
		if _, err := h.git(t.Context(), "tag", "--force", "v1", tag); err != nil {
			t.Fatal(err)
		}
		want, err := h.commit(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.choose(t.Context(), lastVersion); err != nil || got != want {
			t.Errorf("with a tag at %s the last version is %s, error %v, want %s", tag, got, err, want)
		}
	}

	clone := &Harness{root: filepath.Join(t.TempDir(), "clone"), dir: h.dir, built: h.built}
	if _, err := h.git(t.Context(), "clone", "--quiet", "--depth", "1", "file://"+h.root, clone.root); err != nil {
		t.Fatal(err)
	}
	for _, a := range []age{lastVersion, firstOfRecords, formerRecords} {
		_, err := clone.former(t.Context(), a)
		if lacking, ok := errors.AsType[*MissingError](err); !ok || !lacking.Optional || !strings.Contains(err.Error(), "unshallow") {
			t.Errorf("age %d in a shallow clone: error %v, want an optional MissingError with unshallow", a, err)
		}
	}
	clone.Former = "v9"
	if _, err := clone.former(t.Context(), lastVersion); err == nil || errors.As(err, new(*MissingError)) {
		t.Errorf("a requested commit that does not exist: error %v, want one that is no MissingError", err)
	}
}
