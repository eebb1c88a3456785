package docs

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	versionHeading = regexp.MustCompile(`^## \[(\d+)\.(\d+)\.(\d+)\] - (\S+)$`)
	linkLine       = regexp.MustCompile(`^\[([^]]+)\]: https://github\.com/weir-go/weir/(compare/v[\d.]+\.\.\.(?:HEAD|v[\d.]+)|releases/tag/v[\d.]+)$`)
	sections       = []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
)

// faultsOf returns the faults in the form of a changelog: in the headings, their order and dates, and the links at the end.
func faultsOf(changelog string) (faults []string) {
	fault := func(line int, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("line %d: ", line+1)+fmt.Sprintf(format, args...))
	}
	lines := strings.Split(strings.TrimSpace(changelog), "\n")
	if lines[0] != "# Changelog" {
		fault(0, "%q is not the title", lines[0])
	}
	var last [3]int
	var date time.Time
	var headings, links []string
	section := -1
	for i, line := range lines {
		switch {
		case line == "## [Unreleased]":
			if len(headings) > 0 {
				fault(i, "Unreleased is not the first heading")
			}
			headings, section = append(headings, "Unreleased"), -1
		case strings.HasPrefix(line, "## "):
			m := versionHeading.FindStringSubmatch(line)
			if m == nil {
				fault(i, "%q is no heading of a version", line)
				continue
			}
			var version [3]int
			_, _ = fmt.Sscan(strings.Join(m[1:4], " "), &version[0], &version[1], &version[2]) // digits
			day, err := time.Parse(time.DateOnly, m[4])
			if err != nil {
				fault(i, "%q is no date", m[4])
			}
			if len(headings) == 0 {
				fault(i, "there is no heading Unreleased above it")
			}
			if len(headings) > 1 && (slices.Compare(version[:], last[:]) >= 0 || day.After(date)) {
				fault(i, "the version or the date comes after the one above it")
			}
			last, date = version, day
			headings, section = append(headings, strings.Join(m[1:4], ".")), -1
		case strings.HasPrefix(line, "### "):
			at := slices.Index(sections, line[4:])
			if at <= section {
				fault(i, "%q is no section, is there twice, or must come before the section above it", line[4:])
			}
			section = at
		case strings.HasPrefix(line, "[") && strings.Contains(line, "]: "):
			if m := linkLine.FindStringSubmatch(line); m != nil {
				links = append(links, m[1])
			} else {
				fault(i, "%q is no link to a comparison or a release", line)
			}
		}
	}
	if len(headings) < 2 {
		fault(len(lines)-1, "the changelog has no version")
	}
	if !slices.Equal(headings, links) {
		fault(len(lines)-1, "headings %q, links %q", headings, links)
	}
	return faults
}

func TestChangelogHasItsForm(t *testing.T) {
	text, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faultsOf(string(text)) {
		t.Error("CHANGELOG.md:", fault)
	}
}

func TestChangelogOfAnotherFormIsNoticed(t *testing.T) {
	const good = `# Changelog

## [Unreleased]

## [0.10.0] - 2027-01-02

### Added

- a

### Fixed

- b

## [0.9.1] - 2026-12-31

### Changed

- c

[Unreleased]: https://github.com/weir-go/weir/compare/v0.10.0...HEAD
[0.10.0]: https://github.com/weir-go/weir/compare/v0.9.1...v0.10.0
[0.9.1]: https://github.com/weir-go/weir/releases/tag/v0.9.1
`
	if faults := faultsOf(good); faults != nil {
		t.Fatal(faults)
	}
	for name, c := range map[string]struct{ was, is, fault string }{
		"no title":               {"# Changelog", "# Changes", "title"},
		"no Unreleased":          {"## [Unreleased]\n", "", "no heading Unreleased"},
		"Unreleased below":       {"## [0.9.1] - 2026-12-31", "## [Unreleased]", "not the first"},
		"no brackets":            {"## [0.9.1]", "## 0.9.1", "no heading of a version"},
		"a v":                    {"## [0.9.1]", "## [v0.9.1]", "no heading of a version"},
		"no date":                {" - 2026-12-31", "", "no heading of a version"},
		"another date":           {"2026-12-31", "31.12.2026", "no date"},
		"no such day":            {"2026-12-31", "2026-12-32", "no date"},
		"versions ascend":        {"## [0.9.1]", "## [0.11.0]", "after the one above"},
		"a version twice":        {"## [0.9.1]", "## [0.10.0]", "after the one above"},
		"dates ascend":           {"2026-12-31", "2027-01-03", "after the one above"},
		"another section":        {"### Changed", "### Breaking", "no section"},
		"sections in disorder":   {"### Added", "### Security", "before the section above"},
		"a section twice":        {"### Fixed", "### Added", "is there twice"},
		"a link is missing":      {"[0.9.1]: https://github.com/weir-go/weir/releases/tag/v0.9.1\n", "", "links"},
		"a link leads elsewhere": {"weir/compare/v0.9.1", "other/compare/v0.9.1", "no link"},
	} {
		if !strings.Contains(good, c.was) {
			t.Fatalf("%s: the good changelog does not contain %q", name, c.was)
		}
		faults := strings.Join(faultsOf(strings.Replace(good, c.was, c.is, 1)), "; ")
		t.Logf("%-23s %s", name, faults)
		if !strings.Contains(faults, c.fault) {
			t.Errorf("%s: faults %q, want %q among them", name, faults, c.fault)
		}
	}
}
