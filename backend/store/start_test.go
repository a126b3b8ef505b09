package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"saoma/backend/store"
)

// startsAtOnce names the variable by which the program of these tests is another server, that opens the database.
const startsAtOnce = "SAOMA_TEST_STARTS_AT_ONCE"

// startServer is the life of such a server: it waits for the others to be there as well.
func startServer(address string) (code int) {
	fmt.Println("here")
	_, err := io.Copy(io.Discard, os.Stdin)
	if err == nil {
		var s *store.Store
		if s, err = store.Open(context.Background(), address); err == nil {
			err = errors.Join(s.Ping(context.Background()), s.Close())
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// newServer starts one that has yet to open the database, and returns what has it do so, and end.
func newServer(t *testing.T, address string) (open func() error) {
	t.Helper()
	server := exec.CommandContext(t.Context(), os.Args[0])
	server.Env = append(os.Environ(), startsAtOnce+"="+address)
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	if _, err := said.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() error {
		err := in.Close()
		rest, err1 := io.ReadAll(said)
		if err := errors.Join(err, err1, server.Wait()); err != nil {
			return fmt.Errorf("%w: %s", err, rest)
		}
		return nil
	}
}

// Servers that start at once on a new database make its schema once, and all of them work.
func TestServersStartAtOnce(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, d database) {
		var servers []func() error
		for range 4 {
			servers = append(servers, newServer(t, d.address))
		}
		var wg sync.WaitGroup
		for _, open := range servers { // only now, when all of them are there
			wg.Go(func() {
				if err := open(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	each(t, map[string]func(*testing.T, database){"first": start, "second": start, "third": start})
}
