"""The page for people, `/ask`: what a link in another tool's UI leads to.

HTML made here, without scripts and without anything from elsewhere: a browser is told to run
and to load nothing (`answering`). What is asked stands in the URL (`asked`), is answered by the
services (`answers`), is made into what a template shows (`groups`, `waterfall`, `details`), and
every text that is shown is escaped in one place (`templates`).
"""
