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

// age is the version of the project that a replica runs.
type age int

const (
	thisVersion age = iota // the tree in which this program was built
	// lastVersion is the commit of [Harness.Former], if one is given. Otherwise it is the newest tag, if its scripts differ from those of HEAD.
	// Otherwise it is the newest commit whose scripts differ. With equal scripts, two versions would do the same to Redis as one.
	lastVersion
	// firstOfRecords is the oldest commit whose records in Redis have the version and the words of this tree. Of all versions that may be mixed
	// with this one, it differs most.
	firstOfRecords
	// formerRecords is the last commit whose records have another version.
	formerRecords
)

// levelWords are the last words of the record of a level, as lua/level.lua lists them. The first records of version 4 did not have them.
const levelWords = "learnt owes eras collects"

// former is a former version for which the program waiter was built.
type former struct {
	commit  string // 12 hexadecimal digits
	records int    // version of its records in Redis
	binary  string
}

// noHistory returns the error for a clone that does not have the commit of a former version.
func noHistory(err error) error {
	return &MissingError{What: fmt.Sprintf("this clone lacks the commit of the former version (%v): run git fetch --unshallow --tags", err), Optional: true}
}

// former builds the program waiter in the tree of a former version, once for each version. If the clone lacks the commit, the error is an
// optional [MissingError], unless [Harness.Former] names the commit.
func (h *Harness) former(ctx context.Context, a age) (former, error) {
	h.building.Lock()
	defer h.building.Unlock()
	commit, err := h.choose(ctx, a)
	switch {
	case err != nil && a == lastVersion && h.Former != "":
		return former{}, err // the user asked for this commit
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
	const module = "integration" // a folder of every version, and in later ones a module of its own
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

// choose returns the commit of a former version.
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

// first returns the oldest commit that changed how often a text occurs in package lua: the one that added it.
func (h *Harness) first(ctx context.Context, text string) (string, error) {
	list, err := h.git(ctx, "log", "--format=%H", "-S", text, "--", "lua")
	if err != nil {
		return "", err
	}
	commits := strings.Fields(list)
	if len(commits) == 0 {
		return "", fmt.Errorf("no commit added %q", text)
	}
	oldest := commits[len(commits)-1]
	if _, err := h.commit(ctx, oldest+"^"); err != nil { // in git log, the oldest commit of a shallow clone adds every text
		return "", fmt.Errorf("the history does not reach back to the commit that added %q", text)
	}
	return oldest, nil
}

// commit returns the full hash of a commit.
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

// declaration returns the line of package lua that declares the version of its records.
func declaration(version int) string { return "const Version = " + strconv.Itoa(version) + "\n" }

// recordsAt returns the version of the records at a commit. It is 0 if the records had no version yet.
func (h *Harness) recordsAt(ctx context.Context, commit string) (int, error) {
	text, err := h.git(ctx, "grep", "-h", "const Version = ", commit, "--", "lua")
	if err != nil {
		return 0, nil //nolint:nilerr // git grep found nothing
	}
	return strconv.Atoi(strings.TrimPrefix(text, "const Version = "))
}

// git runs git in the tree, and returns its output without surrounding white space.
func (h *Harness) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // arguments of this file
	cmd.Dir = h.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
