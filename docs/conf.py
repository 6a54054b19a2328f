# SPDX-License-Identifier: GPL-2.0-or-later
# Sphinx' configuration; scripts/check-docs builds with it.

project = 'qemu-paravisor'
copyright = 'the qemu-paravisor developers'
extensions = ['sphinx.ext.graphviz']
graphviz_output_format = 'svg'
nitpicky = True
html_theme = 'alabaster'
html_copy_source = False
rst_epilog = '.. |qemu_system| replace:: qemu-system-x86_64\n'
highlight_language = 'none'
man_pages = [('system/man', 'qemu-paravisor', 'Hyper-V partition and VMBus devices for QEMU',
              '', 7)]
