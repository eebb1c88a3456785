package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// age says which version of the project a replica is of.
type age int

const (
	today age = iota // of the tree
	// lastVersion is the commit of [Harness.Former] where one is given. Else it is the newest tag, if its scripts differ from those of HEAD. Else it
	// is the newest commit whose scripts do: versions with equal scripts do to Redis what one version does.
	lastVersion
	// firstOfRecords is the oldest commit whose records in Redis have the version and the words of today: the most that can differ between versions
	// that may be mixed.
	firstOfRecords
	// formerRecords is the last commit whose records have another version.
	formerRecords
)

// levelWords are the last words of the record of a level, as lua/level.lua lists them. Version 4 had fewer words until these came.
const levelWords = "learnt owes eras collects"

// former is a version of before, of which the program waiter was built.
type former struct {
	commit  string // 12 hexadecimal digits
	records int    // version of its records in Redis
	binary  string
}

// noHistory reports that the clone does not reach back to a former version.
func noHistory(err error) error {
	return &MissingError{What: fmt.Sprintf("no former version is there to be played (%v): a clone without its history lacks them; git fetch --unshallow --tags", err), Optional: true}
}

// former builds the program waiter in the tree of a former version. Each version is built once.
func (h *Harness) former(ctx context.Context, a age) (former, error) {
	h.building.Lock()
	defer h.building.Unlock()
	commit, err := h.choose(ctx, a)
	switch {
	case err != nil && a == lastVersion && h.Former != "":
		return former{}, err // somebody has asked for it
	case err != nil:
		return former{}, noHistory(err)
	}
	if f, ok := h.built[commit]; ok {
		return f, nil
	}
	f := former{commit: commit[:min(12, len(commit))]}
	if f.records, err = h.recordsAt(ctx, commit); err != nil {
		return former{}, err
	}
	tree := filepath.Join(h.dir, "former-"+f.commit)
	f.binary = filepath.Join(tree, "waiter")
	if err := os.MkdirAll(tree, 0o755); err != nil { //nolint:gosec // a copy of a public tree
		return former{}, err
	}
	archive := filepath.Join(h.dir, f.commit+".tar")
	if _, err := h.git(ctx, "archive", "--output", archive, commit); err != nil {
		return former{}, noHistory(err)
	}
	if out, err := exec.CommandContext(ctx, "tar", "-x", "-C", tree, "-f", archive).CombinedOutput(); err != nil {
		return former{}, fmt.Errorf("tar: %w: %s", err, out)
	}
	const module = "integration" // where its tests are a module of their own
	for _, folder := range []string{"waiter", "outcome"} {
		of := filepath.Join(module, "faults", folder)
		if err := os.RemoveAll(filepath.Join(tree, of)); err != nil {
			return former{}, err
		}
		if err := os.CopyFS(filepath.Join(tree, of), os.DirFS(filepath.Join(h.root, of))); err != nil {
			return former{}, err
		}
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", f.binary, "./"+module+"/faults/waiter")
	cmd.Dir = tree
	if _, err := os.Stat(filepath.Join(tree, module, "go.mod")); err == nil {
		cmd = exec.CommandContext(ctx, "go", "build", "-o", f.binary, "./faults/waiter")
		cmd.Dir = filepath.Join(tree, module)
	}
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return former{}, fmt.Errorf("go build of commit %s: %w: %s", f.commit, err, out)
	}
	h.built[commit] = f
	return f, nil
}

// choose is the commit of a former version.
func (h *Harness) choose(ctx context.Context, a age) (string, error) {
	switch a {
	case firstOfRecords:
		return h.first(ctx, levelWords)
	case formerRecords:
		now, err := h.recordsAt(ctx, "HEAD")
		if err != nil {
			return "", err
		}
		first, err := h.first(ctx, declaration(now))
		if err != nil {
			return "", err
		}
		return h.commit(ctx, first+"^")
	default:
		return h.chooseLast(ctx)
	}
}

// first is the oldest commit that has a text in package lua.
func (h *Harness) first(ctx context.Context, text string) (string, error) {
	list, err := h.git(ctx, "log", "--format=%H", "-S", text, "--", "lua")
	if err != nil {
		return "", err
	}
	commits := strings.Fields(list)
	if len(commits) == 0 {
		return "", fmt.Errorf("no commit has brought %q", text)
	}
	oldest := commits[len(commits)-1]
	if _, err := h.commit(ctx, oldest+"^"); err != nil { // the end of a shallow clone seems to bring everything
		return "", fmt.Errorf("the history does not reach back to the commit that has brought %q", text)
	}
	return oldest, nil
}

// commit is the full name of a commit.
func (h *Harness) commit(ctx context.Context, name string) (string, error) {
	return h.git(ctx, "rev-parse", "--verify", name+"^{commit}")
}

func (h *Harness) chooseLast(ctx context.Context) (string, error) {
	if h.Former != "" {
		return h.commit(ctx, h.Former)
	}
	const scripts = "lua/*.lua"
	if tag, err := h.git(ctx, "describe", "--tags", "--abbrev=0", "HEAD"); err == nil {
		if _, err := h.git(ctx, "diff", "--quiet", tag, "HEAD", "--", scripts); err != nil {
			return h.commit(ctx, tag)
		}
	}
	last, err := h.git(ctx, "log", "-1", "--format=%H", "HEAD", "--", scripts)
	if err != nil {
		return "", err
	}
	return h.commit(ctx, last+"^")
}

// declaration is how package lua writes down the version of its records.
func declaration(version int) string { return "const Version = " + strconv.Itoa(version) + "\n" }

// recordsAt is the version of the records at a commit, and 0 of a commit whose records had none.
func (h *Harness) recordsAt(ctx context.Context, commit string) (int, error) {
	text, err := h.git(ctx, "grep", "-h", "const Version = ", commit, "--", "lua")
	if err != nil {
		return 0, nil //nolint:nilerr // git grep found nothing
	}
	return strconv.Atoi(strings.TrimPrefix(text, "const Version = "))
}

// git runs git in the tree, and returns what it prints without the blanks around.
func (h *Harness) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // arguments of this file
	cmd.Dir = h.root
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
