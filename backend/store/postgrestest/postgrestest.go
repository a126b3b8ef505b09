// Package postgrestest runs a real PostgreSQL for tests: a cluster of its own in a temporary folder, reached by a
// socket in it, that nobody else sees.
package postgrestest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// A Cluster is a running PostgreSQL.
type Cluster struct {
	bin, dir string // dir holds the data and the socket
	owner    *syscall.Credential
	server   *exec.Cmd
	output   *bytes.Buffer
	exited   chan struct{} // closed when server has ended
	count    atomic.Int64  // databases made
}

// startLimit is how long a start may take on a busy machine.
const startLimit = time.Minute

// Start makes a cluster and starts its server. It needs the programs initdb and postgres, in the path or where Debian
// keeps them. PostgreSQL does not run as root: a root uses the account "postgres", which its packages make.
func Start(ctx context.Context) (c *Cluster, err error) {
	c = &Cluster{}
	if c.bin, err = programs(); err != nil {
		return nil, err
	}
	if os.Getuid() == 0 {
		if c.owner, err = account("postgres"); err != nil {
			return nil, err
		}
	}
	if c.dir, err = os.MkdirTemp("", "saoma-postgres-"); err != nil {
		return nil, err
	}
	if c.owner != nil {
		if err := os.Chown(c.dir, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return nil, errors.Join(err, c.Remove())
		}
	}
	init := c.command(ctx, "initdb", "-D", c.data(), "-A", "trust", "-U", "saoma", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), c.Remove())
	}
	if err := c.Run(ctx); err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

func programs() (folder string, err error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("these tests need PostgreSQL: install the package \"postgresql\"")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func account(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *Cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

// Run starts the server of a cluster that was stopped, and waits until it answers.
func (c *Cluster) Run(ctx context.Context) (err error) {
	c.output = &bytes.Buffer{}
	c.server = c.command(context.WithoutCancel(ctx), "postgres", "-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	c.server.Stdout, c.server.Stderr = c.output, c.output
	if err := c.server.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.exited = make(chan struct{})
	go func() {
		defer close(c.exited)
		_ = c.server.Wait() // however it ended, it is over
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("PostgreSQL ended: %s", c.output)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w", err), c.Stop())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns the address of a database.
func (c *Cluster) URL(database string) string {
	q := url.Values{"host": {c.dir}, "user": {"saoma"}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: q.Encode()}).String()
}

// NewDatabase makes an empty database and returns its address.
func (c *Cluster) NewDatabase(ctx context.Context) (string, error) {
	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		return "", err
	}
	name := "test" + strconv.FormatInt(c.count.Add(1), 10)
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return c.URL(name), errors.Join(err, db.Close())
}

// Stop ends the server as an operator does who restarts it: it drops all connections. [Cluster.Run] starts it again.
func (c *Cluster) Stop() error { return c.end(syscall.SIGINT) }

// Kill ends the server as the loss of power does.
func (c *Cluster) Kill() error { return c.end(syscall.SIGQUIT) }

func (c *Cluster) end(signal os.Signal) error {
	if err := c.server.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end PostgreSQL: %w", err)
	}
	<-c.exited
	return nil
}

// Remove ends the server, if it runs, and removes the cluster.
func (c *Cluster) Remove() error {
	var err error
	if c.exited != nil {
		err = c.Kill()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}
