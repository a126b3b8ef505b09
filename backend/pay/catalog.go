package pay

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A Product is something a merchant sells at a price of its own. Browsers name products, never prices.
type Product struct {
	Merchant MerchantID
	SKU      string
	Name     string
	Price    Fen    // for one, from 1 to TotalMax
	Picture  string // an https address, or empty
	Off      bool   // not for sale for now

	// Limited says that the product is counted: then no more than Stock can be ordered. What orders that wait for
	// their payment have taken is in Reserved and not in Stock any more. Stock is below zero when late money came
	// for goods that had been sold to others meanwhile: so many are owed.
	Limited  bool
	Stock    int64
	Reserved int64 // read with the product, never put

	Version int64 // grows with every change, also of the stock
}

// Bounds of a product.
const (
	SKUMax         = 64  // characters
	ProductNameMax = 127 // characters: alone it must fit into a description
	StockMax       = 1_000_000_000
)

// skuForm leaves out what separates products in the embed's items attribute ("latte:2,cake:1") and in addresses.
var skuForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// check finds what is wrong with p.
func (p Product) check() fields {
	var f fields
	if !skuForm.MatchString(p.SKU) {
		f.add("sku", fmt.Sprintf("must be 1 to %d letters, digits, dots, underscores and hyphens, the first a letter or digit", SKUMax))
	}
	if p.Name == "" {
		f.add("name", "is required")
	}
	checkText(&f, "name", p.Name, ProductNameMax) // it becomes part of what the payer reads in WeChat
	if p.Price < 1 || p.Price > TotalMax {
		f.add("price", fmt.Sprintf("must be from 1 to %d fen", TotalMax))
	}
	if p.Limited && (p.Stock < 0 || p.Stock > StockMax) {
		f.add("stock", fmt.Sprintf("must be from 0 to %d, or absent if it is not counted", StockMax))
	}
	if p.Picture != "" && !isPicture(p.Picture) {
		f.add("picture_url", fmt.Sprintf("must be an https address of at most %d bytes", URLMax))
	}
	return f
}

func isPicture(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(address) <= URLMax
}

// A ProductFilter chooses products of a merchant, by SKU. Zero fields do not filter.
type ProductFilter struct {
	Merchant MerchantID
	On, Off  bool   // only those for sale, only those that are not
	SoldOut  bool   // only those that are counted and of which none is left
	Search   string // part of the name or of the SKU
	After    string // only SKUs behind this one: the cursor
	Limit    int    // 1 to ListMax
}

// CatalogTx reads and writes products.
type CatalogTx interface {
	Product(ctx context.Context, m MerchantID, sku string) (Product, error)
	Products(context.Context, ProductFilter) ([]Product, error)
	// PutProduct writes a product whatever was there before. One that is not counted loses its reservations.
	PutProduct(context.Context, Product) error
	// DeleteProduct deletes a product with its reservations, or returns ErrNoRow.
	DeleteProduct(ctx context.Context, m MerchantID, sku string) error
}

const (
	AnyVersion = 0  // puts or deletes a product whatever its version is
	NewVersion = -1 // puts a product only if there is none of its SKU
)

// PutProduct makes a product or replaces it whole, and returns it as it then is. With a version the product must still
// be of it, or [Stale] is returned: the stock changes with every order, and who writes an older one back would sell
// the same thing twice.
func (c *Cashier) PutProduct(ctx context.Context, p Product, version int64) (made bool, _ Product, err error) {
	return c.PutProductBy(ctx, p, version, Actor{})
}

// PutProductBy is the same, in the name of somebody of the staff.
func (c *Cashier) PutProductBy(ctx context.Context, p Product, version int64, by Actor) (made bool, _ Product, err error) {
	f := p.check()
	if err := f.err(); err != nil {
		return false, p, err
	}
	asked := p
	err = c.Store.Update(ctx, func(tx Tx) error {
		p = asked
		before, err := tx.Product(ctx, p.Merchant, p.SKU)
		if made = errors.Is(err, ErrNoRow); err != nil && !made {
			return err
		}
		if err := fresh(before, version); err != nil {
			return err
		}
		if err := tx.PutProduct(ctx, p); err != nil {
			return err
		}
		if err := c.logStaff(ctx, tx, by, ProductChanged, p.SKU, p.changes(before)); err != nil {
			return err
		}
		p, err = tx.Product(ctx, p.Merchant, p.SKU)
		return err
	})
	if err != nil {
		return false, p, fmt.Errorf("put a product: %w", err)
	}
	return made, p, nil
}

// DeleteProduct takes a product out of the catalogue. Orders that have it in them keep it.
func (c *Cashier) DeleteProduct(ctx context.Context, m MerchantID, sku string, version int64) error {
	return c.DeleteProductBy(ctx, m, sku, version, Actor{})
}

// DeleteProductBy is the same, in the name of somebody of the staff.
func (c *Cashier) DeleteProductBy(ctx context.Context, m MerchantID, sku string, version int64, by Actor) error {
	err := c.Store.Update(ctx, func(tx Tx) error {
		before, err := tx.Product(ctx, m, sku)
		if err == nil {
			err = fresh(before, version)
		}
		if err == nil {
			err = tx.DeleteProduct(ctx, m, sku)
		}
		if err == nil {
			err = c.logStaff(ctx, tx, by, ProductRemoved, sku, nil)
		}
		return err
	})
	if errors.Is(err, ErrNoRow) {
		err = &Error{Code: NotFound, Message: "no such product", Err: err}
	}
	if err != nil {
		return fmt.Errorf("delete a product: %w", err)
	}
	return nil
}

// fresh refuses a change of a product that is not as it was read. One that is not there has the version 0.
func fresh(p Product, version int64) error {
	if version == NewVersion {
		if p.Version != 0 {
			return invalidField("sku", "is there already; edit it instead")
		}
		return nil
	}
	if version != AnyVersion && p.Version != version {
		return &Error{Code: Stale, Message: "the product has changed meanwhile; read it again"}
	}
	return nil
}

// A Line is one line of a cart.
type Line struct {
	SKU      string
	Quantity int
}

// price turns a cart into items and their sum. What is wrong goes to f.
func price(ctx context.Context, tx CatalogTx, m MerchantID, lines []Line, f *fields) ([]Item, Fen, error) {
	var total Fen
	items := make([]Item, 0, len(lines))
	for i, l := range lines {
		name := func(part string) string { return fmt.Sprintf("items[%d].%s", i, part) }
		if l.Quantity < 1 || l.Quantity > QuantityMax {
			f.add(name("quantity"), fmt.Sprintf("must be from 1 to %d", QuantityMax))
			continue
		}
		p, err := tx.Product(ctx, m, l.SKU)
		switch {
		case errors.Is(err, ErrNoRow):
			f.add(name("sku"), "is not in the catalogue")
			continue
		case err != nil:
			return nil, 0, fmt.Errorf("price the cart: %w", err)
		case p.Off:
			f.add(name("sku"), "is not for sale now")
			continue
		}
		total += p.Price * Fen(l.Quantity)
		items = append(items, Item{SKU: p.SKU, Name: p.Name, Price: p.Price, Quantity: l.Quantity})
	}
	return items, total, nil
}

// describe says what is bought, for the payer's bill: "拿铁 ×2、蛋糕", cut at DescriptionMax characters.
func describe(items []Item) string {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = it.Name
		if it.Quantity > 1 {
			parts[i] += fmt.Sprintf(" ×%d", it.Quantity)
		}
	}
	return truncate(strings.Join(parts, "、"), DescriptionMax)
}

// truncate cuts s to at most n characters, the last of which is then an ellipsis.
func truncate(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
