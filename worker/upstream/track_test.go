package upstream_test

import "testing"

func TestOneTrack(t *testing.T) {
	s := server(t, roomy())
	var found struct{ Tracks paging[track] }
	ask(t, s, "GET", "/v1/search?q=x&type=track&limit=1", "", &found, bearer)
	var one track
	if res := ask(t, s, "GET", "/v1/tracks/"+found.Tracks.Items[0].ID, "", &one, bearer); res.Code != 200 || !one.whole() || one.Name != found.Tracks.Items[0].Name {
		t.Errorf("status %d, %+v, want the track that was found", res.Code, one)
	}
	if res := ask(t, s, "GET", "/v1/tracks/short", "", nil, bearer); res.Code != 400 {
		t.Errorf("an impossible id: status %d, want 400", res.Code)
	}
	if res := ask(t, s, "GET", "/v1/tracks/"+one.ID, "", nil); res.Code != 401 {
		t.Errorf("without a token: status %d, want 401", res.Code)
	}
}
