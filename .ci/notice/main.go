// Notice writes the file NOTICE: the licences of all modules that are linked into the released programs. With -check it writes nothing and
// fails where NOTICE differs from what is linked. NOTICE has no versions, so that most updates leave it as it is.
//
// A licence that is not permitted, or that nobody recognises, is an error in both cases.
//
// It is a module of its own, so that the detection of licences never reaches users of the library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare NOTICE with what is linked and write nothing")
	root := flag.String("root", "../..", "the folder of the repository")
	flag.Parse()
	if err := run(context.Background(), *root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, check bool) error {
	text, err := os.ReadFile(filepath.Join(root, ".ci/platforms"))
	if err != nil {
		return err
	}
	folders, err := linked(ctx, root, strings.Fields(string(text)))
	if err != nil {
		return err
	}
	modules, err := read(folders)
	if err != nil {
		return err
	}
	file := filepath.Join(root, "NOTICE")
	if !check {
		return os.WriteFile(file, []byte(page(modules)), 0o644) //nolint:gosec // everybody may read it
	}
	present, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return compare(string(present), modules)
}

// compare returns what makes a NOTICE wrong: one error for each module that is missing or too many or has another licence, or one for the rest.
func compare(present string, modules []module) error {
	var errs []error
	rows := table(present)
	for _, m := range modules {
		if was, ok := rows[m.path]; !ok {
			errs = append(errs, fmt.Errorf("%s is linked and is not in NOTICE", m.path))
		} else if was != m.licence {
			errs = append(errs, fmt.Errorf("%s has the licence %s, in NOTICE %s", m.path, m.licence, was))
		}
		delete(rows, m.path)
	}
	for path := range rows {
		errs = append(errs, fmt.Errorf("%s is in NOTICE and is not linked", path))
	}
	if len(errs) == 0 && present != page(modules) {
		errs = append(errs, errors.New("the texts in NOTICE are not those of the modules"))
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("write NOTICE anew with .ci/notice.sh"))
	}
	return errors.Join(errs...)
}
