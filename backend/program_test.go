package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"saoma/backend/wechatsim"
)

// listen takes a free port of this machine.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// simulate runs a simulator until the test has ended. It keeps its keys, and what a merchant would hold, in folder/sim.
func simulate(t testing.TB, folder string, o wechatsim.Options) *simulator {
	t.Helper()
	sim, err := startSim(listen(t), filepath.Join(folder, "sim"), slog.New(slog.DiscardHandler), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.close(); err != nil {
			t.Error(err)
		}
	})
	return sim
}

// configured is a world whose configuration is a file, as the simulator's manual says; nothing serves it yet.
func configured(t *testing.T, folder, address string, o wechatsim.Options) *world {
	t.Helper()
	sim := simulate(t, folder, o)
	return &world{demo: &demo{sim: sim, url: "http://" + address, data: folder, secretKey: writeConfig(t, folder, address)}}
}

// A wiretap carries the callbacks of a simulator and keeps them, with our answers.
type wiretap struct {
	mu    sync.Mutex
	heard []heardCallback
}

type heardCallback struct {
	path string
	genuine
	answer answer
}

func (x *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	h := heardCallback{path: r.URL.Path, genuine: genuine{header: r.Header.Clone()}}
	var err error
	if h.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(h.body))
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	h.answer = answer{res.StatusCode, res.Header, text}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heard = append(x.heard, h)
	return res, nil
}

func (x *wiretap) all() []heardCallback {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.heard)
}

// answered waits for a callback at the path that was answered so, and returns it.
func (x *wiretap) answered(t *testing.T, path string, status int) (g genuine) {
	t.Helper()
	eventually(t, fmt.Sprint("a callback at ", path, " is answered ", status), func() bool {
		list := x.all()
		i := slices.IndexFunc(list, func(h heardCallback) bool { return h.path == path && h.answer.status == status })
		if i >= 0 {
			g = list[i].genuine
		}
		return i >= 0
	})
	return g
}
