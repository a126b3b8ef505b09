package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"saoma/backend/store/postgrestest"
)

// servers measures the time from a callback at one server to a browser at another, over PostgreSQL and NATS.
func (b *bench) servers(ctx context.Context) (err error) {
	postgres, err := postgrestest.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, postgres.Remove()) }()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		return err
	}
	nats.Start()
	defer func() { nats.Shutdown(); nats.WaitForShutdown() }()
	if !nats.ReadyForConnections(time.Minute) {
		return errors.New("NATS does not start")
	}
	s, err := openShop(b.dir, fmt.Sprintf("database = %q\nbus = %q", postgres.URL("postgres"), nats.ClientURL()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	orders, err := b.paid(ctx, s, b.times(1500))
	if err != nil {
		return err
	}
	if err := putOff(ctx, "pgx", postgres.URL("postgres")); err != nil {
		return err
	}
	one, err := b.start(ctx, "servers-1", s.config, s.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.stop()) }()
	address, err := freeAddress()
	if err != nil {
		return err
	}
	other, err := b.start(ctx, "servers-2", s.config, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	times, err := s.paced(ctx, orders, other.address, 5*time.Millisecond)
	if err != nil {
		return err
	}
	b.add(
		row{Name: "callback at one server to browser at another, 200/s, p50", Figure: milliseconds(percentile(times, 50)), Unit: "ms"},
		row{Name: "callback at one server to browser at another, 200/s, p99", Figure: milliseconds(percentile(times, 99)), Unit: "ms",
			Ratio: milliseconds(percentile(times, 99)) / (b.probes.EchoP99 + b.probes.FsyncP99), Of: "bare echo p99 and fsync p99"},
	)
	return nil
}
