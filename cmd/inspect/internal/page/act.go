package page

import (
	"encoding/json"
	"errors"
	"mime"
	"net"
	"net/http"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/cmd/inspect/internal/watch"
	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/gate"
)

// actionsPath is the path of the actions. It exists only if [Config.By] is set.
const actionsPath = "/api/v1/actions"

// action is a requested change of the fleet.
type action struct {
	Do    string `json:"do"`    // pause, resume, drain or forget
	Name  string `json:"name"`  // of the bucket, or of the replica
	Typed string `json:"typed"` // the name again, as the operator has typed it
}

// act changes the fleet. The gate has already refused requests without the token and requests of other sites.
func (s *Server) act(out http.ResponseWriter, r *http.Request) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		gate.Problem{Status: http.StatusUnsupportedMediaType, Detail: "want application/json"}.Write(out)
		return
	}
	in := json.NewDecoder(http.MaxBytesReader(out, r.Body, 4<<10))
	in.DisallowUnknownFields()
	var a action
	if err = in.Decode(&a); err == nil && in.More() {
		err = errors.New("more than one value")
	}
	switch {
	case err != nil || !watch.Deeds(a.Do):
		gate.Problem{Status: http.StatusBadRequest, Detail: `want {"do":"pause","name":NAME,"typed":NAME}, or resume, drain or forget`}.Write(out)
		return
	case a.Typed != a.Name:
		gate.Problem{Status: http.StatusBadRequest, Detail: "another name was typed, nothing was changed"}.Write(out)
		return
	}
	by := s.by + ", by the page"
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		by += " from " + host
	}
	err = s.poller.src.Do(r.Context(), by, a.Do, a.Name)
	if e, ok := errors.AsType[*cli.Error](err); ok && e.Status == cli.Usage {
		gate.Problem{Status: http.StatusConflict, Detail: report.Clean(err.Error())}.Write(out)
		return
	}
	if err != nil {
		s.refuse(out, err)
		return
	}
	answer(out, map[string]string{"done": a.Do + " " + report.Clean(a.Name)})
}
