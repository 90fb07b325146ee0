#pragma once

#define PIN_HIF_IRQ_OUT 31
