package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

//go:embed assets
var files embed.FS

// asset is a file that browsers may cache, if they check each time whether it has changed.
type asset struct {
	kind, tag string
	content   []byte
}

// ServeHTTP is part of [http.Handler].
func (a asset) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	h := out.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", a.tag)
	http.ServeContent(out, r, "", time.Time{}, bytes.NewReader(a.content))
}

// load returns the files of the page by path. It fills the namespace and the address of Redis into the HTML.
func load(namespace, redis string) (map[string]http.Handler, error) {
	out := map[string]http.Handler{}
	for path, f := range map[string]struct{ name, kind string }{
		"/{$}":      {"index.html", "text/html; charset=utf-8"},
		"/page.css": {"page.css", "text/css; charset=utf-8"},
		"/page.js":  {"page.js", "text/javascript; charset=utf-8"},
		"/icon.svg": {"icon.svg", "image/svg+xml"},
	} {
		content, err := files.ReadFile("assets/" + f.name)
		if err != nil {
			return nil, err
		}
		if f.name == "index.html" {
			if content, err = fill(content, namespace, redis); err != nil {
				return nil, err
			}
		}
		sum := sha256.Sum256(content)
		out[path] = asset{f.kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content}
	}
	return out, nil
}

func fill(html []byte, namespace, redis string) ([]byte, error) {
	t, err := template.New("").Parse(string(html))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Namespace, Redis string
		Rows             []struct{} // placeholders
	}{report.Clean(namespace), report.Clean(redis), make([]struct{}, 4)})
	return b.Bytes(), err
}
