# SPDX-License-Identifier: GPL-2.0
# Entry points. `make help` lists them; README.md says what they print.
# KERNEL=SERIES (make run KERNEL=7.2) chooses the kernel for all but `clean` and `help`.

.PHONY: modules run test vm bench kdump-size doctor doc clean help modules_install uninstall rust-analyzer

modules: ## build the modules into build/modules/ (KDIR=TREE: for a kernel tree of your own)
	@scripts/build modules

run: ## from nothing: set up, build, boot a stock kernel, drive verified I/O, show the result
	@scripts/run

test: ## everything that must hold (T=GROUP or T=GROUP/NAME: only those guest tests)
	@scripts/test $(T)

vm: ## a shell in a guest with the modules loaded (TOPOLOGY=NAME, GDB=1)
	@qemu/vm --check
	@scripts/setup all
	@scripts/build modules
	@qemu/vm

bench: ## instructions per I/O, side by side with the C modules (PART=controllers, maps or stall)
	@scripts/bench $(PART)

kdump-size: ## the smallest crashkernel= for a dump, side by side with the C driver
	@scripts/kdump-size

doctor: ## what is missing on this machine, and for what
	@scripts/doctor

doc: ## the library's documentation, into build/doc/
	@scripts/doc

modules_install: ## install the built modules for the running kernel (root)
	@scripts/install install

uninstall: ## remove them again (root)
	@scripts/install uninstall

rust-analyzer: ## write rust-project.json for an editor
	@scripts/build rust-analyzer

clean: ## remove build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 26
