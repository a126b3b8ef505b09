package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"saoma/backend/pay"
	"saoma/backend/store"
)

type migrateCommand struct {
	From string `help:"The database that is left, sqlite:PATH. Its server must not run." required:"" placeholder:"ADDR"`
	To   string `help:"The new one, postgres://USER:PASSWORD@HOST/NAME, or env:NAME or file:PATH where that stands. It must be empty." required:"" placeholder:"ADDR"`
}

// Run copies the books from SQLite to PostgreSQL, checks the copy, and only then commits it.
func (c migrateCommand) Run(ctx context.Context, out io.Writer) (err error) {
	file, ok := strings.CutPrefix(c.From, sqliteScheme)
	if !ok {
		return errors.New("-from must be sqlite:PATH")
	}
	address, err := (&config{}).lookUp(c.To)
	if err != nil {
		return fmt.Errorf("-to: %w", err)
	}
	if !onPostgres(address) {
		return errors.New("-to must be postgres://USER:PASSWORD@HOST/NAME")
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("find the database: %w", err) // do not make one to find it empty
	}
	if err := store.TakeOverSQLite(ctx, file); errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("stop the server first: %w", err)
	} else if err != nil {
		return err
	}
	from, err := store.OpenSQLite(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := store.OpenPostgres(ctx, store.Patient(address))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	var events, days int64
	copied, err := store.Copy(ctx, from, to, func(s pay.Store) error {
		events, days, err = (&pay.Cashier{Store: s}).Verify(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("nothing was migrated: %w", err)
	}
	_, err = fmt.Fprintf(out, `migrated %d rows, each read back and compared
%d orders; %d payments of ¥%s, of which ¥%s refunded
%d events and %d days are as they were recorded
Now put the new address into the configuration as database, and start the server. Keep %s; no server may use it any more.
`, copied.Rows, copied.Orders, copied.Paid, yuan(copied.Total), yuan(copied.Refunded), events, days, file)
	return err
}
