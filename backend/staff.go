package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"saoma/backend/pay"
	"saoma/backend/server/dashboard"
	"saoma/backend/store"
)

// A staffCommand looks after who may sign in to the dashboard. The server may run beside it.
type staffCommand struct {
	Add    staffAdd    `cmd:"" help:"Let somebody in. Without -password-stdin a password is made and printed once."`
	List   staffList   `cmd:"" help:"List who may sign in."`
	Passwd staffPasswd `cmd:"" help:"Give somebody a new password and sign them out everywhere."`
	Remove staffRemove `cmd:"" help:"Let somebody in no more. What they did stays in the log."`
}

// A staffBook is what each of these commands is about.
type staffBook struct {
	Config   string `help:"The configuration." required:"" placeholder:"FILE"`
	Merchant string `help:"The merchant; not needed if there is only one." placeholder:"ID"`
}

type staffAdd struct {
	staffBook
	Name  string `help:"What the person signs in with." required:""`
	Role  string `help:"What the person may do." required:"" enum:"owner,cashier,accountant"`
	Stdin bool   `name:"password-stdin" help:"Read the password from standard input."`
}

type staffList struct{ staffBook }

type staffPasswd struct {
	staffBook
	Name  string `help:"Whose." required:""`
	Stdin bool   `name:"password-stdin" help:"Read the password from standard input."`
}

type staffRemove struct {
	staffBook
	Name string `help:"Who." required:""`
}

// with opens the books and does something with the merchant's staff.
func (b staffBook) with(ctx context.Context, do func(*pay.BackOffice, pay.Actor) error) (err error) {
	c, err := loadConfig(b.Config)
	if err != nil {
		return err
	}
	if b.Merchant == "" && len(c.Merchants) == 1 {
		b.Merchant = c.Merchants[0].ID
	}
	known := false
	for _, m := range c.Merchants {
		known = known || m.ID == b.Merchant
	}
	if !known {
		return fmt.Errorf("the configuration has no merchant %q; name one with -merchant", b.Merchant)
	}
	books, err := store.Open(ctx, c.databaseAddress())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	office := newBackOffice(&pay.Cashier{Store: books, Now: time.Now})
	return do(office, pay.Actor{Name: "saoma staff", Merchant: pay.MerchantID(b.Merchant)})
}

// find finds a member of the staff by name.
func find(ctx context.Context, office *pay.BackOffice, by pay.Actor, name string) (pay.Staff, error) {
	list, err := office.Staff(ctx, by.Merchant)
	if err != nil {
		return pay.Staff{}, err
	}
	for _, s := range list {
		if s.Name == strings.ToLower(name) {
			return s, nil
		}
	}
	return pay.Staff{}, fmt.Errorf("%s has no staff of the name %q", by.Merchant, name)
}

// password reads a password from standard input, or makes one.
func password(stdin bool) (password string, made bool, err error) {
	if !stdin {
		return dashboard.NewPassword(), true, nil
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), false, nil
}

// tell prints a password that was made, for the only time.
func tell(out io.Writer, did, name, password string, made bool) error {
	text := fmt.Sprintf("%s %s\n", did, name)
	if made {
		text += fmt.Sprintf("password, to be changed at the first sign-in: %s\n", password)
	}
	_, err := io.WriteString(out, text)
	return err
}

func (c staffAdd) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, func(office *pay.BackOffice, by pay.Actor) error {
		p, made, err := password(c.Stdin)
		if err != nil {
			return err
		}
		s, err := office.AddStaff(ctx, pay.NewStaff{
			Merchant: by.Merchant, Name: c.Name, Role: pay.Role(c.Role), Password: p, Provisional: made,
		}, by)
		if err != nil {
			return err
		}
		return tell(out, "added", s.Name, p, made)
	})
}

func (c staffList) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, func(office *pay.BackOffice, by pay.Actor) error {
		list, err := office.Staff(ctx, by.Merchant)
		for _, s := range list {
			last, note := "never", ""
			if !s.SignedInAt.IsZero() {
				last = s.SignedInAt.Format(time.RFC3339)
			}
			if s.Disabled {
				note = "  disabled"
			}
			if err == nil {
				_, err = fmt.Fprintf(out, "%-24s %-11s last signed in %s%s\n", s.Name, s.Role, last, note)
			}
		}
		return err
	})
}

func (c staffPasswd) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, func(office *pay.BackOffice, by pay.Actor) error {
		s, err := find(ctx, office, by, c.Name)
		if err != nil {
			return err
		}
		p, made, err := password(c.Stdin)
		if err != nil {
			return err
		}
		if err := office.ResetPassword(ctx, s.ID, p, by); err != nil {
			return err
		}
		return tell(out, "changed", s.Name, p, made)
	})
}

func (c staffRemove) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, func(office *pay.BackOffice, by pay.Actor) error {
		s, err := find(ctx, office, by, c.Name)
		if err != nil {
			return err
		}
		if err := office.RemoveStaff(ctx, s.ID, by); err != nil {
			return err
		}
		return tell(out, "removed", s.Name, "", false)
	})
}
