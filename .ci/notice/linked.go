package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const standard = "the Go standard library"

// linked returns, by module path, the folders of all modules that a program links on any of the platforms, and the folder of the standard
// library.
func linked(ctx context.Context, root string, platforms []string) (map[string]string, error) {
	if len(platforms) == 0 {
		return nil, errors.New("no platforms")
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	folders := map[string]string{standard: strings.TrimSpace(string(goroot))}
	for _, platform := range platforms {
		system, processor, _ := strings.Cut(platform, "/")
		list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Module", "./cmd/worker", "./cmd/inspect")
		list.Dir = filepath.Clean(root)
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", platform, err)
		}
		packages := json.NewDecoder(strings.NewReader(string(out)))
		for {
			var p struct {
				Module *struct {
					Path, Dir string
					Main      bool
				}
			}
			if err := packages.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list for %s: %w", platform, err)
			}
			if p.Module != nil && !p.Module.Main {
				folders[p.Module.Path] = p.Module.Dir
			}
		}
	}
	return folders, nil
}
