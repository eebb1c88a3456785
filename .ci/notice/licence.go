package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// permitted reports whether a module may have a licence. The permitted licences require their text and the copyright lines, which are in NOTICE.
// MPL-2.0 also requires the source of the files under it. The module proxy has that source, because the project changes no such file.
func permitted(id string) bool {
	return slices.Contains([]string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0"}, id)
}

// recognised is the smallest part of a file, in percent, that must be the text of known licences.
const recognised = 75

// module is a linked module, with the texts that its licence requires.
type module struct {
	path       string
	licence    string   // SPDX identifiers, joined by AND if the file has several
	copyrights []string // the copyright lines of the licence
	text       string   // the licence without these lines
	notice     string   // the file NOTICE of the module, which Apache-2.0 requires to be passed on
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying)(\.txt|\.md)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^notice(\.txt|\.md)?$`)
	holder      = regexp.MustCompile(`^\s*(Copyright|\(c\)|©) ?`)
	template    = regexp.MustCompile(`\[yyyy\]|\{yyyy\}|<year>`)
)

// read returns the modules in these folders with their licences, sorted by path. The error names every module without a permitted licence.
func read(folders map[string]string) ([]module, error) {
	var modules []module
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(folders)) {
		m, err := readOne(path, folders[path])
		modules, errs = append(modules, m), append(errs, err)
	}
	return modules, errors.Join(errs...)
}

func readOne(path, folder string) (module, error) {
	m := module{path: path}
	files, err := os.ReadDir(folder)
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	for _, f := range files {
		if !licenceFile.MatchString(f.Name()) && !noticeFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return m, fmt.Errorf("%s: %w", path, err)
		}
		text = []byte(strings.ReplaceAll(string(text), "\r\n", "\n"))
		if noticeFile.MatchString(f.Name()) {
			m.notice = strings.TrimSpace(string(text))
			continue
		}
		if m.licence != "" {
			return m, fmt.Errorf("%s has several files with a licence", path)
		}
		if m.licence, err = identify(text); err != nil {
			return m, fmt.Errorf("%s: %s: %w", path, f.Name(), err)
		}
		m.copyrights, m.text = split(string(text))
	}
	if m.licence == "" {
		return m, fmt.Errorf("%s has no file with a licence", path)
	}
	return m, nil
}

// identify returns the SPDX identifiers of the licences in a text. It returns an error if one of them is not permitted, or if too little of the
// text is recognised.
func identify(text []byte) (string, error) {
	found := licensecheck.Scan(text)
	if found.Percent < recognised {
		return "", fmt.Errorf("only %.0f %% is the text of a known licence", found.Percent)
	}
	var ids []string
	for _, match := range found.Match {
		if !permitted(match.ID) {
			return "", fmt.Errorf("%s is not a permitted licence", match.ID)
		}
		if !slices.Contains(ids, match.ID) {
			ids = append(ids, match.ID)
		}
	}
	return strings.Join(ids, " AND "), nil
}

// split returns the lines of a licence that name the holders of the copyright, and the rest. The rest is the same for many modules.
func split(text string) (copyrights []string, rest string) {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\f")
		if holder.MatchString(line) && !template.MatchString(line) {
			if line = strings.TrimSpace(line); !slices.Contains(copyrights, line) {
				copyrights = append(copyrights, line)
			}
			continue
		}
		kept = append(kept, line)
	}
	return copyrights, strings.Trim(strings.Join(kept, "\n"), "\n")
}
