// Notice writes the file NOTICE, with the licences of all modules that the released programs link. With -check it writes nothing, and
// fails if NOTICE differs from the linked modules. NOTICE has no versions, so that most updates do not change it.
//
// A licence that is not permitted or not recognised is an error in both cases.
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
	check := flag.Bool("check", false, "compare NOTICE with the linked modules, and write nothing")
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

// compare returns nil if the content of NOTICE is right. Otherwise it returns an error for each module that is missing in NOTICE, is not linked,
// or has another licence. If only the texts differ, it returns an error that says so.
func compare(present string, modules []module) error {
	var errs []error
	rows := table(present)
	for _, m := range modules {
		if was, ok := rows[m.path]; !ok {
			errs = append(errs, fmt.Errorf("%s is linked and is not in NOTICE", m.path))
		} else if was != m.licence {
			errs = append(errs, fmt.Errorf("%s has the licence %s, but NOTICE says %s", m.path, m.licence, was))
		}
		delete(rows, m.path)
	}
	for path := range rows {
		errs = append(errs, fmt.Errorf("%s is in NOTICE and is not linked", path))
	}
	if len(errs) == 0 && present != page(modules) {
		errs = append(errs, errors.New("the texts in NOTICE differ from the texts of the modules"))
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("run .ci/notice.sh to write NOTICE again"))
	}
	return errors.Join(errs...)
}
