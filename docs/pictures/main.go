package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// picture is the name of a file, and the function that draws it from the files of a folder.
type picture struct {
	name string
	draw func(folder string) (*canvas, error)
}

// pictures returns all pictures that this command draws.
func pictures() []picture {
	return []picture{
		{"call.svg", func(string) (*canvas, error) { return callPicture(), nil }},
		{"states.svg", func(string) (*canvas, error) { return statesPicture(), nil }},
		{"arrivals.svg", func(folder string) (*canvas, error) { return arrivalsPicture(filepath.Join(folder, "arrivals.json")) }},
		{"inspect.svg", func(folder string) (*canvas, error) {
			return terminalPicture(filepath.Join(folder, "inspect.ansi"), "The live view of inspect",
				"A terminal of 80 columns and 24 lines. It shows the buckets and the replicas of a recorded demo fleet, two seconds after an operator paused the bucket spotify.")
		}},
		{"inspect-bucket.svg", func(folder string) (*canvas, error) {
			return terminalPicture(filepath.Join(folder, "inspect-bucket.ansi"), "A bucket in the live view of inspect",
				"A terminal of 80 columns and 24 lines. It shows why calls of the bucket spotify wait, and the last 60 seconds of the bucket: it was paused half a minute ago.")
		}},
	}
}

func main() {
	if err := drawAll("docs/pictures"); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// drawAll writes every picture to a folder.
func drawAll(folder string) error {
	for _, p := range pictures() {
		c, err := p.draw(folder)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, p.name), []byte(c.svg()), 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	return nil
}
