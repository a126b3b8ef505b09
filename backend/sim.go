package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"saoma/backend/wechatsim"
)

type simCommand struct {
	Listen string  `help:"Address to listen on. Port 0 takes a free one." default:"127.0.0.1:9090" placeholder:"ADDR"`
	Dir    string  `help:"Folder for what a merchant holds: merchant.toml, keys, ids. Made if it is not there; keys in it are used again." required:"" placeholder:"DIR"`
	Subs   int     `name:"sub-merchants" help:"Be the WeChat Pay of a service provider (服务商) with so many merchants." default:"0" placeholder:"N"`
	Speed  float64 `help:"How many times faster callbacks are repeated than WeChat Pay does." default:"1"`
}

// Run runs the simulator alone until ctx ends.
func (c simCommand) Run(ctx context.Context, out io.Writer) error {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := registerSubMerchants(c.Dir, c.Subs); err != nil {
		return errors.Join(err, l.Close())
	}
	sim, err := startSim(l, c.Dir, log, wechatsim.Options{Speed: c.Speed})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	_, err = fmt.Fprintf(out, `WeChat Pay simulator
  API      %[1]s          in place of https://api.mch.weixin.qq.com
  phone    %[1]s/_sim/phone
  merchant %[2]s          keys, ids and merchant.toml
`, sim.url, c.Dir)
	if err != nil {
		log.Warn("print the addresses", "error", err)
	}
	<-ctx.Done()
	return sim.close()
}

// registerSubMerchants makes the merchant in dir a service provider with at least so many merchants.
func registerSubMerchants(dir string, n int) error {
	if n <= 0 {
		return nil
	}
	m, err := wechatsim.OpenMerchant(dir)
	if err != nil {
		return err
	}
	for i := len(m.SubMerchants); i < n; i++ {
		m.RegisterSubMerchant(fmt.Sprintf("%s %d号店", m.Name, i+1))
	}
	return m.Save(dir, "")
}

// A simulator is a running WeChat Pay of our own.
type simulator struct {
	*wechatsim.Server
	http *http.Server
	url  string
	done chan struct{}
}

// startSim serves a simulator whose keys are in dir on the listener. Merchant and Log of the options are set here.
func startSim(l net.Listener, dir string, log *slog.Logger, o wechatsim.Options) (*simulator, error) {
	m, err := wechatsim.OpenMerchant(dir)
	if err != nil {
		return nil, err
	}
	url := "http://" + l.Addr().String()
	if err := m.Save(dir, url); err != nil {
		return nil, err
	}
	o.Merchant, o.Log = m, log
	core, err := wechatsim.New(o)
	if err != nil {
		return nil, err
	}
	s := &simulator{Server: core, url: url, done: make(chan struct{}), http: &http.Server{
		Handler: core, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute,
	}}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the simulator stopped serving", "error", err)
		}
	}()
	return s, nil
}

// close ends the simulator; callbacks that were still to be sent are lost, as with a real power cut.
func (s *simulator) close() error {
	// The callbacks first: one under way may wait for a server that is being closed as well.
	err := errors.Join(s.Close(), s.http.Close())
	<-s.done
	return err
}
