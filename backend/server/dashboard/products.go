package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"saoma/backend/pay"
)

const (
	productsLines = 50
	productsPath  = Prefix + "products"
)

// A productsView is the list of products and what it was filtered by.
type productsView struct {
	Text, Show  string
	Shows       []string
	Products    []pay.Product
	Filtered    bool
	Next, First string // addresses of other pages; empty if there are none
	Here        string // this page, to come back to
}

// productShows are what of the catalogue is looked at.
var productShows = []string{"on", "off", "sold-out"}

func (d *Dashboard) productsPage(q *request) error {
	v := productsView{Text: clip(q.value("q"), pay.SKUMax), Show: q.value("show"), Shows: productShows}
	after := clip(q.value("after"), pay.SKUMax)
	list, next, err := d.Cashier.Products(q.r.Context(), pay.ProductFilter{
		Merchant: q.shop.ID, Search: v.Text, On: v.Show == "on", Off: v.Show == "off", SoldOut: v.Show == "sold-out",
		After: after, Limit: productsLines,
	})
	if err != nil {
		return err
	}
	v.Products, v.Filtered, v.Here = list, v.Text+v.Show != "", q.r.URL.RequestURI()
	filter := map[string]string{"q": v.Text, "show": v.Show}
	if next != "" {
		v.Next = listAddress(productsPath, filter, "after", next)
	}
	if after != "" {
		v.First = listAddress(productsPath, filter)
	}
	return q.render(http.StatusOK, "products", v)
}

// listAddress is a list's address with what it is filtered by, and where to begin.
func listAddress(path string, filter map[string]string, more ...string) string {
	values := url.Values{}
	for name, value := range filter {
		if value != "" {
			values.Set(name, value)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// A productView is the form of a product, as it was typed.
type productView struct {
	New                              bool
	SKU, Name, Price, Stock, Picture string
	Was                              string // the stock when the form was made
	Counted, Off                     bool
	Version                          int64
	Reserved                         int64
	Changed                          bool              // by somebody else meanwhile
	Wrong                            map[string]string // by field, in English
	SKUMax, NameMax                  int
}

func viewOfProduct(p pay.Product) productView {
	v := productView{SKU: p.SKU, Name: p.Name, Price: plainYuan(p.Price), Picture: p.Picture, Counted: p.Limited, Off: p.Off,
		Version: p.Version, Reserved: p.Reserved}
	if p.Limited {
		v.Stock = strconv.FormatInt(p.Stock, 10)
	}
	v.Was = v.Stock
	return v
}

func (q *request) productForm(status int, v productView) error {
	v.SKUMax, v.NameMax = pay.SKUMax, pay.ProductNameMax
	return q.render(status, "product", v)
}

func (d *Dashboard) newProductPage(q *request) error {
	return q.productForm(http.StatusOK, productView{New: true, Version: pay.NewVersion})
}

func (d *Dashboard) product(q *request) (pay.Product, error) {
	return d.Cashier.Product(q.r.Context(), q.shop.ID, q.r.PathValue("sku"))
}

func (d *Dashboard) productPage(q *request) error {
	p, err := d.product(q)
	if err != nil {
		return err
	}
	return q.productForm(http.StatusOK, viewOfProduct(p))
}

// typedProduct is what the form says, and the product of it unless something is Wrong.
func (q *request) typedProduct(sku string) (v productView, p pay.Product) {
	v = productView{SKU: sku, Name: q.value("name"), Price: q.value("price"), Stock: q.value("stock"), Was: q.value("was"), Picture: q.value("picture"),
		Counted: q.value("counted") != "", Off: q.value("sale") == "", Wrong: make(map[string]string)}
	p = pay.Product{Merchant: q.shop.ID, SKU: sku, Name: v.Name, Picture: v.Picture, Off: v.Off, Limited: v.Counted}
	var err error
	if p.Price, err = parseYuan(v.Price); err != nil || p.Price < 1 || p.Price > pay.TotalMax {
		v.Wrong["price"] = "Write a price in yuan, from 0.01 to 10,000,000."
	}
	if !v.Counted {
		return v, p
	}
	// Below zero it may stay, but not be made: so many are owed.
	p.Stock, err = strconv.ParseInt(strings.Map(narrow, v.Stock), 10, 64)
	if err != nil || p.Stock < 0 || p.Stock > pay.StockMax {
		v.Wrong["stock"] = "Write a whole number, 0 or more."
	}
	return v, p
}

func (d *Dashboard) addProduct(q *request) error {
	v, p := q.typedProduct(q.value("sku"))
	v.New = true
	return d.putProduct(q, v, p, pay.NewVersion)
}

func (d *Dashboard) editProduct(q *request) error {
	now, err := d.product(q)
	if err != nil {
		return err
	}
	v, p := q.typedProduct(now.SKU)
	version, err := strconv.ParseInt(q.value("version"), 10, 64)
	if err != nil || version < 1 {
		return errForeign
	}
	v.Reserved, v.Version = now.Reserved, version
	return d.putProduct(q, v, p, version)
}

// putProduct writes a product, or shows the form again with what is wrong.
func (d *Dashboard) putProduct(q *request, v productView, p pay.Product, version int64) error {
	if len(v.Wrong) > 0 {
		return q.productForm(http.StatusUnprocessableEntity, v)
	}
	_, p, err := d.Cashier.PutProductBy(q.r.Context(), p, version, q.by())
	switch pay.CodeOf(err) {
	case pay.Stale:
		return d.changedMeanwhile(q, v)
	case pay.Invalid:
		e, _ := errors.AsType[*pay.Error](err)
		for _, f := range e.Fields {
			v.Wrong[strings.TrimSuffix(f.Name, "_url")] = f.Message
		}
		return q.productForm(http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return q.done(productsPath, "%s is saved.", p.Name)
}

// refusalOf is what is wrong with the one field of a form.
func refusalOf(err error) string {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || len(e.Fields) == 0 {
		return ""
	}
	return e.Fields[0].Message
}

// changedMeanwhile shows what was typed over what is there now. The stock is the new one unless somebody typed another:
// an older one written back would sell the same thing twice.
func (d *Dashboard) changedMeanwhile(q *request, v productView) error {
	p, err := d.product(q)
	if err != nil {
		return err
	}
	now := viewOfProduct(p)
	if v.Stock == v.Was {
		v.Stock = now.Stock
	}
	v.Was, v.Version, v.Reserved, v.Changed = now.Stock, now.Version, now.Reserved, true
	return q.productForm(http.StatusConflict, v)
}

// switchProduct takes a product off sale or puts it on again.
func (d *Dashboard) switchProduct(q *request) error {
	off := q.value("to") == "off"
	p, err := d.Cashier.SwitchProduct(q.r.Context(), q.shop.ID, q.r.PathValue("sku"), off, q.by())
	if err != nil {
		return err
	}
	to := localPath(q.value("next"))
	if to == Prefix {
		to = productsPath
	}
	if off {
		return q.done(to, "%s is off sale.", p.Name)
	}
	return q.done(to, "%s is on sale.", p.Name)
}

// deleteProductPage asks whether a product is really to go.
func (d *Dashboard) deleteProductPage(q *request) error {
	p, err := d.product(q)
	if err != nil {
		return err
	}
	return q.render(http.StatusOK, "productdelete", p)
}

func (d *Dashboard) deleteProduct(q *request) error {
	p, err := d.product(q)
	if err != nil {
		return err
	}
	if err := d.Cashier.DeleteProductBy(q.r.Context(), q.shop.ID, p.SKU, pay.AnyVersion, q.by()); err != nil {
		return err
	}
	return q.done(productsPath, "%s is deleted.", p.Name)
}
