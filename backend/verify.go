package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"saoma/backend/pay"
	"saoma/backend/store"
)

type verifyCommand struct {
	Config string `help:"The configuration, which names the database." required:"" placeholder:"FILE"`
}

// Run walks the chain of events and the roots of the days and names the first broken link. The server may run.
func (c verifyCommand) Run(ctx context.Context, out io.Writer) (err error) {
	config, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if file := config.databaseFile(); file != "" {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("find the database: %w", err) // do not make one to find it in order
		}
	}
	books, err := store.Open(ctx, store.Patient(config.databaseAddress()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	events, days, err := (&pay.Cashier{Store: books}).Verify(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d events and %d days are as they were recorded\n", events, days)
	return err
}
